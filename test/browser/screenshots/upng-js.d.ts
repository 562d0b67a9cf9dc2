/** The part that camera.ts uses; the package has no types. */
declare module 'upng-js' {
  export interface Image {
    width: number;
    height: number;
  }
  const upng: {
    decode(png: Buffer): Image;
    toRGBA8(image: Image): ArrayBuffer[];
    /** @param colours 0: all of them */
    encode(frames: ArrayBuffer[], width: number, height: number, colours: number): ArrayBuffer;
  };
  export = upng;
}
