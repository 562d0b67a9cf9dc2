/**
 * Divides `DATABASE_POOL_MAX` between the pools. A server has two more connections, a listener and one for nudges; with 3 it
 * has five sessions in all.
 */
const SMALL = 6;
const READERS = 3;
/** The listener, and the connection for nudges. */
const NOTIFYING = 2;

export function poolShare(max: number): { engine: number; readers: number } {
  // A small pool reserves one connection for the readers of the event log, which never wait behind a sync.
  return max < SMALL ? { engine: max - 1, readers: 1 } : { engine: max, readers: READERS };
}

/** The sessions that one server opens at most. */
export function sessionsOf(max: number): number {
  const { engine, readers } = poolShare(max);
  return engine + readers + NOTIFYING;
}
