/** Acts again and again, each time a while after the last one has ended. `act` must not throw. */

/** @returns stops it; what is under way goes on to its end */
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
