/** What a page may honestly say about its connection, and how long to wait before it tries again. Pure. */

/** `offline`: nothing answers, so what is shown may be old. */
export type ConnectionKind = 'connecting' | 'live' | 'polling' | 'offline';

/** How news arrive. */
export type TransportKind = 'sse' | 'websocket' | 'poll';

export interface Connection {
  readonly kind: ConnectionKind;
  /** When it became so, in milliseconds of the own clock. */
  readonly since: number;
  /** Absent while nothing arrives. */
  readonly transport?: TransportKind | undefined;
  /** Live again, while what was missed is still arriving. */
  readonly isCatchingUp?: boolean | undefined;
  /** The status with which the server refused us: it answers, but not to us. */
  readonly refusedWith?: number | undefined;
  /** In the server's words: why it refuses this page, such as a proxy that does not pass the Host on. */
  readonly refusal?: string | undefined;
}

/** The server knows who asks, and does not show him this. */
export function isForbidden({ refusedWith }: Connection): boolean {
  return refusedWith === 403;
}

export type ConnectionDetails = Pick<Connection, 'transport' | 'isCatchingUp' | 'refusedWith' | 'refusal'>;

/** What did not change keeps its identity, and a kind its beginning. */
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
 * Doubles from `firstMs` to `mostMs`, and takes a random half off, so that a thousand pages do not come back in the
 * same instant after a restart.
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
