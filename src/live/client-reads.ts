/**
 * Reads of the log for clients that have fallen behind, each at its own cursor. A few run at once, the others wait here. So the reads
 * for all subscribers never wait behind many of them, and a read does not spend the time limit of its answer in the queue of a
 * connection, which would be replaced under all of them.
 *
 * Not here: what many clients need at once (shared-reads.ts).
 */
import { createPoolSlots, type PoolSlots } from '../database/pool-slots.ts';

/** More than the connections, so that none is idle while an answer is on its way. */
const READS_AT_ONCE = 8;

/** @param limitMs for the wait; after it the read fails with NoAnswerError, and did not begin */
export const createClientReads = (limitMs: number): PoolSlots => createPoolSlots(READS_AT_ONCE, limitMs);
