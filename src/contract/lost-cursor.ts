/** Decides whether a client can resume at its cursor: the same rules for the events of runs and for the changes of patients. */
import { parseCursor } from './cursor.ts';
import type { LostReason } from './stream-event.ts';

/** The entries of a log that a client can still read. */
export interface LogRange {
  epoch: string;
  /** The newest entry; 0 before the first. */
  head: number;
  /** The oldest stored entry; `head + 1` when none is stored. */
  oldest: number;
}

/**
 * @param since the client's last cursor, unparsed
 * @param most the maximum number of entries after it; default: no limit
 * @returns why nothing can be read after it; null when it can
 */
export function whyLost(since: string, log: LogRange, most?: number): LostReason | null {
  const cursor = parseCursor(since);
  if (cursor === undefined) return 'malformed';
  if (cursor.epoch !== log.epoch) return 'epoch';
  if (cursor.seq > log.head) return 'future';
  if (cursor.seq + 1n < log.oldest) return 'trimmed';
  if (most !== undefined && BigInt(log.head) - cursor.seq > most) return 'too_far';
  return null;
}
