/** What a page may honestly say about its connection, and how long to wait before it tries again. Pure. */

/** `offline`: nothing answers, so what is shown may be old. */
export type ConnectionKind = 'connecting' | 'live' | 'polling' | 'offline';

export interface Connection {
  readonly kind: ConnectionKind;
  /** When it became so, in milliseconds of the own clock. */
  readonly since: number;
}

export function connectionChanged(before: Connection, kind: ConnectionKind, now: number): Connection {
  return before.kind === kind ? before : { kind, since: now };
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
