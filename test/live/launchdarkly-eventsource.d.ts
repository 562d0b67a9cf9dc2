/** The types that the test uses; the package has none. */
declare module 'launchdarkly-eventsource' {
  export class EventSource {
    constructor(url: string, options: object);
    addEventListener(type: string, listener: (event: { lastEventId: string }) => void): void;
    close(): void;
  }
}
