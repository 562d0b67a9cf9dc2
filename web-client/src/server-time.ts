/**
 * The time by the clock of the server, with which its times are compared. By a computer that is ten minutes fast a run that has
 * just started would have been running for ten minutes, and a wait would be over.
 */

/** The header names whole seconds, and the answer takes its time. A wrong clock is further off. */
const TOLERATED_MS = 5_000;

let offsetMs = 0;
const listeners = new Set<() => void>();

/** Milliseconds since 1970. Until the first answer by the clock of this computer. */
export function serverNow(): number {
  return byServer(Date.now());
}

/** @param at a time by the clock of this computer */
export function byServer(at: number): number {
  return at + offsetMs;
}

/** @param at a time by the clock of the server */
export function byClient(at: number): number {
  return at - offsetMs;
}

/** @param askedAt `Date.now()` before the request */
export function noteServerTime({ headers }: Response, askedAt: number): void {
  const now = Date.now();
  const at = Date.parse(headers.get('date') ?? '');
  // An answer of a cache is old, and so is one that arrived before the computer slept.
  if (Number.isNaN(at) || headers.has('age') || Math.abs(now - askedAt) > TOLERATED_MS) return;
  if (Math.abs(at - serverNow()) <= TOLERATED_MS) return;
  offsetMs = at - now;
  for (const notify of listeners) notify();
}

/** Of those that were asked for their time. */
const askedServers = new Set<string>();

/**
 * Asks a server for its time, once for a page: the streams do not tell it. Without an answer the next call asks again.
 *
 * @param baseUrl without a trailing slash; '' is the page's own origin
 */
export async function learnServerTime(baseUrl: string): Promise<void> {
  if (askedServers.has(baseUrl)) return;
  askedServers.add(baseUrl);
  const askedAt = Date.now();
  try {
    const answer = await fetch(`${baseUrl}/healthz`, { cache: 'no-store', credentials: 'omit' });
    noteServerTime(answer, askedAt);
  } catch {
    askedServers.delete(baseUrl);
  }
}

/** @param onChange `serverNow()` has jumped, because an answer told another time */
export function listenToServerTime(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}
