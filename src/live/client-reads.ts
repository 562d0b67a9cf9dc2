/**
 * Reads of the log for clients that have fallen behind, each at its own cursor. A few run at once, the others wait here. So the reads
 * for all subscribers never wait behind many of them, and a read does not spend the time limit of its answer in the queue of a
 * connection, which would be replaced under all of them.
 *
 * Not here: what many clients need at once (shared-reads.ts).
 */
import { createPoolSlots } from '../database/pool-slots.ts';

export type ClientReads = <T>(read: () => Promise<T>) => Promise<T>;

/** More than the connections, so that none is idle while an answer is on its way. */
const READS_AT_ONCE = 8;

/** @param limitMs for the wait; after it the read fails with NoAnswerError, and did not begin */
export function createClientReads(limitMs: number): ClientReads {
  const slots = createPoolSlots(READS_AT_ONCE, limitMs);
  return async (read) => {
    const leave = await slots.enter();
    try {
      return await read();
    } finally {
      leave();
    }
  };
}
