/**
 * A signal that is also aborted when time is up.
 *
 * Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: Node 20 lets the second one be collected as garbage, and a request
 * that hangs then hangs for ever. Here the timer holds what it has to abort.
 */
export interface TimeLimit {
  signal: AbortSignal;
  /** To be called when the work is done, however it ended. */
  clear(): void;
}

export function limitTime(ms: number, signal: AbortSignal): TimeLimit {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException('Time is up.', 'TimeoutError')), ms);
  return { signal: AbortSignal.any([signal, limit.signal]), clear: () => clearTimeout(timer) };
}
