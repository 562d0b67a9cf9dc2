/**
 * Takes the locks of a migration before its first statement: all of them, or none.
 *
 * A migration that locked one table after another would hold the first while it waits for the next. A request that reads both in
 * the other order then waits for the migration, and PostgreSQL ends one of the two, mostly the request (SQLSTATE 40P01). On a busy
 * database no try reached its end. A migration that has all locks waits for nothing.
 *
 * Not here: the next try (migrate.ts).
 */
import type { ISql } from 'postgres';
import { databaseError } from '../logging/safe-error.ts';

/** In the order in which a transaction of a server reaches them, so it can finish; then all others. */
const FIRST = ['organizations', 'patients', 'quarantine', 'sync_runs', 'sync_logs', 'sync_streams'];

const CANCELLED = '57014';

/** By SQLSTATE: another session holds what the statement needs, and a later try may get it. */
export const isBlockedByLock = (code: string | undefined): boolean => code === '55P03' || code === '40P01';

/** Another session holds one of the tables. */
export class TablesBusyError extends Error {
  override readonly name = 'TablesBusyError';
}

/**
 * Until the end of the transaction, with its partitions. Call it in a transaction without a time limit (`liftLimits`).
 *
 * @param names tables that may exist; those of another owner are left out, because a migration cannot change them
 * @param limitMs how long it waits for all of them
 * @throws TablesBusyError; the transaction can only be rolled back then
 */
export async function lockTables(tx: ISql, names: readonly string[], limitMs: number): Promise<void> {
  const tables = await tx<{ name: string }[]>`
    select format('public.%I', relname) as name from pg_class
    where relnamespace = 'public'::regnamespace and relname = any(${names as string[]}::text[])
      and relkind in ('r', 'p') and pg_has_role(relowner, 'USAGE')
    order by array_position(${FIRST}::text[], relname::text), relname`;
  if (tables.length === 0) return;
  await tx.unsafe(`set local statement_timeout = ${limitMs}`);
  try {
    await tx.unsafe(`lock table ${tables.map(({ name }) => name).join(', ')} in access exclusive mode`);
  } catch (error) {
    if (databaseError(error)?.code !== CANCELLED) throw error;
    throw new TablesBusyError('Another session holds a table.', { cause: error });
  }
  await tx.unsafe('set local statement_timeout = 0');
}
