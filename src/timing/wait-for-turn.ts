/**
 * Waits until another part of the program ends the wait. An aborted signal ends it too.
 *
 * @param join adds this waiter where the other part finds it: `go` ends the wait and removes the waiter. @returns removes it
 * @throws the signal's reason
 */
export function waitForTurn(signal: AbortSignal, join: (go: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      remove();
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      reject(signal.reason);
    };
    const remove = join(() => {
      end();
      resolve();
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
