/** Repeats an action, with a delay after the end of each call. `act` must not throw. */

/** @returns a function that stops it; a call in progress continues to its end */
export function every(delayMs: () => number, act: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const schedule = (): void => {
    timer = setTimeout(async () => {
      await act();
      if (!stopped) schedule();
    }, delayMs());
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
