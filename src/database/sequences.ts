/**
 * Advances sequences past the rows of their tables. Rows that are loaded with their ids (an import, a restore of data only)
 * do not advance the sequence, so a later insert would get an id that exists already.
 */
import type { ISql } from 'postgres';
import { databaseError } from '../logging/safe-error.ts';
import { retryTransaction } from './retry-transaction.ts';

const DUPLICATE = '23505';

/** Whether the insert of a run failed because its new id exists already. */
export function isTakenRunId(error: unknown): boolean {
  const refusal = databaseError(error);
  return refusal?.code === DUPLICATE && refusal.constraint_name === 'sync_logs_pkey';
}

/**
 * Repeats a transaction that inserts a run. When rows were loaded with explicit ids since the server started, its id may be taken: then
 * the sequence continues after them.
 */
export async function retryWithFreeRunId<T>(sql: ISql, transaction: () => Promise<T>): Promise<T> {
  return await retryTransaction(transaction).catch(async (error: unknown) => {
    if (!isTakenRunId(error)) throw error;
    await advanceSequences(sql, ['sync_logs']);
    return await retryTransaction(transaction);
  });
}

/** Safe during inserts: a sequence only moves forward. */
export async function advanceSequences(sql: ISql, tables?: readonly string[]): Promise<void> {
  // That of an identity column belongs to the column. A default may use any sequence: an adopted table can have one of its own, and
  // columns of text that contain its numbers.
  const used = await sql<{ table: string; column: string; sequence: string }[]>`
    with uses (sequence, owner, number) as (
      select objid, refobjid, refobjsubid from pg_depend
      where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype = 'i'
      union
      select refobjid, adrelid, adnum from pg_depend join pg_attrdef on pg_attrdef.oid = objid
      where classid = 'pg_attrdef'::regclass and refclassid = 'pg_class'::regclass and deptype = 'n'
    )
    select format('%I.%I', n.nspname, t.relname) as table, quote_ident(a.attname) as column,
      s.oid::regclass::text as sequence
    from uses
    join pg_class s on s.oid = uses.sequence
    join pg_class t on t.oid = uses.owner
    join pg_namespace n on n.oid = t.relnamespace and n.nspname = 'public'
    join pg_attribute a on a.attrelid = t.oid and a.attnum = uses.number
      and a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)
    -- PostgreSQL may evaluate the conditions in any order, and has_sequence_privilege fails on other relations.
    where case when s.relkind = 'S' then has_sequence_privilege(s.oid, 'UPDATE') else false end
      and t.relname in ${sql(tables ?? OWN_TABLES)}`;
  const statements = used.map(
    ({ table, column, sequence }) => `select setval('${sequence.replaceAll("'", "''")}', newest) from
      (select max(${column})::bigint as newest from ${table}) as rows
      where newest > (select case when is_called then last_value else last_value - 1 end from ${sequence})`,
  );
  if (statements.length > 0) await sql.unsafe(statements.join(';\n'));
}

/**
 * Tables with ids from a sequence, except `patient_changes_pending`, in which no row outlives its transaction. Sequences of other programs
 * in the same database are not touched.
 */
export const OWN_TABLES = [
  'sync_logs',
  'patients',
  'quarantine',
  'audit_log',
  'api_tokens',
  'browser_sessions',
  'sign_in_identities',
  'webhook_endpoints',
  'webhook_deliveries',
  'webhook_notices',
  'bulk_operations',
];
