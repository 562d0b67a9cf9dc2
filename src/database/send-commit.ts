/** COMMIT without a round trip of its own. The patch of the driver makes it possible (patches/README.md). */
import type { Tx } from './open.ts';

interface PatchedTransaction {
  commit?(): Promise<unknown>;
}

/**
 * Sends COMMIT behind the statements that are already sent, without waiting for their results. A statement that fails turns it
 * into a rollback, so a statement can prevent the commit by failing. No statement may follow.
 *
 * @returns resolves when the transaction has ended, also when it was rolled back: await the statements before it too
 */
export async function sendCommit(tx: Tx & PatchedTransaction): Promise<void> {
  if (tx.commit === undefined) throw new TypeError('This transaction cannot send its commit.');
  await tx.commit();
}
