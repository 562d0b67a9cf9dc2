/**
 * A signal that is also aborted when a time limit ends.
 *
 * Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: in Node 20 the second signal can be garbage collected, and a
 * request that hangs then never ends. Here the timer references the controller that it aborts.
 */
export interface TimeLimit {
  signal: AbortSignal;
  /** Call it when the work has ended, with or without an error. */
  clear(): void;
}

export function limitTime(ms: number, signal: AbortSignal): TimeLimit {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new DOMException('The time limit was exceeded.', 'TimeoutError')),
    ms,
  );
  return { signal: AbortSignal.any([signal, limit.signal]), clear: () => clearTimeout(timer) };
}
