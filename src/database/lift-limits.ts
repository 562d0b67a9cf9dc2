/**
 * Work that runs as long as it takes, whatever limits its role has. As settings of a transaction, because a pooler accepts
 * them too. PostgreSQL before 17 has no `transaction_timeout`.
 */
import type { ISql } from 'postgres';

export const TIME_LIMITS = [
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'transaction_timeout',
];

/** Until the end of the transaction. */
export async function liftLimits(tx: ISql): Promise<void> {
  await tx`select set_config(name, '0', true) from pg_settings
    where name = 'lock_timeout' or name in ${tx(TIME_LIMITS)}`;
}
