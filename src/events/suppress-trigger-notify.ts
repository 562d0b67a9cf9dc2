/**
 * Suppresses the NOTIFY of the trigger on `sync_logs` for one transaction: our servers publish their own nudges after the
 * commit (event-bus.ts), many changes in one. The trigger notifies for other programs only.
 *
 * The setting is local to the transaction: behind a pooler a session's setting would leak or vanish.
 */
import type { ISql } from 'postgres';

/** Call it before the first change of `sync_logs` in the transaction. */
export async function suppressTriggerNotify(tx: ISql): Promise<void> {
  await tx`select ${triggerNotifySuppressed(tx)}`;
}

/**
 * The same as a column of a statement that runs anyway. A batch needs no further round trip, and a batch that writes only its
 * record is one statement without a transaction, in which a call before it would have no effect.
 */
export const triggerNotifySuppressed = (tx: ISql) => tx`set_config('patient_sync.nudges', 'own', true)`;
