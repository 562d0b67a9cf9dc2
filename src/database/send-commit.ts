/** COMMIT without a round trip of its own. The patch of the driver makes it possible (patches/README.md). */
import type { Tx } from './open.ts';

interface PatchedTransaction {
  commit?(): Promise<unknown>;
}

/**
 * Sends COMMIT behind the statements that are already sent, without waiting for their results. If one of them fails, PostgreSQL
 * rolls the transaction back, so nothing commits that a statement refuses with an error. No statement may follow.
 *
 * @returns resolves when the transaction has ended; await the statements before it too, to learn of their failure
 */
export async function sendCommit(tx: Tx & PatchedTransaction): Promise<void> {
  if (tx.commit === undefined) throw new TypeError('This transaction cannot send its commit.');
  await tx.commit();
}
