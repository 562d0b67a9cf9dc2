/** The connection state that a page shows, and the delay before the next attempt. Pure. */

/** `offline`: nothing answers, so the page may show old data. */
export type ConnectionKind = 'connecting' | 'live' | 'polling' | 'offline';

/** How updates arrive. */
export type TransportKind = 'sse' | 'websocket' | 'poll';

export interface Connection {
  readonly kind: ConnectionKind;
  /**
   * When this kind began; without a connection, the last sign of the server, perhaps before the computer slept. In milliseconds of
   * the client's clock.
   */
  readonly since: number;
  /** Absent while nothing arrives. */
  readonly transport?: TransportKind | undefined;
  /** Live again, but missed events are still arriving. */
  readonly isCatchingUp?: boolean | undefined;
  /** The status of the server's refusal: the server is reachable, but rejects this client. */
  readonly refusedWith?: number | undefined;
  /** The server's message: why it refuses this page, such as a proxy that does not pass the Host on. */
  readonly refusal?: string | undefined;
}

/** The server knows the principal, and denies access to this organization. */
export function isForbidden({ refusedWith }: Connection): boolean {
  return refusedWith === 403;
}

/** Changes arrive. Otherwise everything shown is as of the last one that arrived. */
export function isConnected({ kind }: Pick<Connection, 'kind'>): boolean {
  return kind === 'live' || kind === 'polling';
}

export type ConnectionDetails = Pick<Connection, 'transport' | 'isCatchingUp' | 'refusedWith' | 'refusal'>;

/** An unchanged connection keeps its identity, and an unchanged kind keeps its `since`. @param now `since` of another kind */
export function connectionChanged(
  before: Connection,
  kind: ConnectionKind,
  now: number,
  { transport, isCatchingUp = false, refusedWith, refusal }: ConnectionDetails = {},
): Connection {
  const isSame =
    before.kind === kind &&
    before.transport === transport &&
    (before.isCatchingUp ?? false) === isCatchingUp &&
    before.refusedWith === refusedWith &&
    before.refusal === refusal;
  if (isSame) return before;
  return {
    kind,
    since: before.kind === kind ? before.since : now,
    transport,
    isCatchingUp,
    refusedWith,
    refusal,
  };
}

/**
 * Doubles from `firstMs` to `mostMs`, and subtracts up to half at random, so that a thousand pages do not reconnect at
 * the same instant after a restart.
 *
 * @param failures in a row: 0 before the first retry
 * @param random 0…1
 */
export function backoffMs(failures: number, { firstMs, mostMs }: BackoffRange, random: number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(whole * (0.5 + random / 2));
}

export interface BackoffRange {
  firstMs: number;
  mostMs: number;
}
