/** What a page may cause with each of its renders, up to sixty times a second. */

/** @returns calls at once; a call less than `ms` later is made when they have passed, however often it was wanted */
export function atMostEvery(ms: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWanted = false;
  const callAndRest = (): void => {
    isWanted = false;
    call();
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) callAndRest();
    }, ms);
  };
  return () => {
    if (timer === undefined) callAndRest();
    else isWanted = true;
  };
}
