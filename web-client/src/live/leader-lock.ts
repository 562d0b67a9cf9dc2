/**
 * A Web Lock that one tab of an origin holds: the leader. The browser grants it to one tab at a time, and to the next as soon as
 * the tab of its holder is closed or crashed.
 *
 * Not here: what the leader does (tab-sharing.ts).
 */

export interface LeaderLock {
  /** Takes the lock from its holder. */
  steal(): void;
  release(): void;
}

/** Waits for the lock, and holds it from then on. */
export function requestLeaderLock(name: string, handlers: { onGained(): void; onLost(): void }): LeaderLock {
  let resign: (() => void) | undefined;
  let waiting = new AbortController();
  let hasLeft = false;

  const hold = (): Promise<void> =>
    new Promise((resolve) => {
      if (hasLeft) return resolve();
      resign = resolve;
      handlers.onGained();
    });
  /** Another tab stole the lock, or this tab withdrew its request before it held the lock. */
  const lose = (): void => {
    if (resign === undefined || hasLeft) return;
    resign = undefined;
    handlers.onLost();
    queue();
  };
  const queue = (): void => {
    waiting = new AbortController();
    navigator.locks.request(name, { signal: waiting.signal }, hold).catch(lose);
  };
  queue();
  return {
    steal() {
      if (resign !== undefined || hasLeft) return;
      waiting.abort();
      navigator.locks.request(name, { steal: true }, hold).catch(lose);
    },
    release() {
      hasLeft = true;
      waiting.abort();
      resign?.();
    },
  };
}
