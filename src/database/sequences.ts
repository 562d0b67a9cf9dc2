/**
 * Advances sequences past the rows of their tables. Rows that are loaded with their ids (an import, a restore of data only)
 * do not advance the sequence, so a later insert would get an id that exists already.
 */
import type { ISql } from 'postgres';
import { databaseError } from '../logging/safe-error.ts';

const DUPLICATE = '23505';

/** Whether the insert of a run failed because its new id exists already. */
export function isTakenRunId(error: unknown): boolean {
  const refusal = databaseError(error);
  return refusal?.code === DUPLICATE && refusal.constraint_name === 'sync_logs_pkey';
}

/** Safe during inserts: a sequence only moves forward. */
export async function advanceSequences(sql: ISql, tables?: readonly string[]): Promise<void> {
  const owned = await sql<{ table: string; column: string; sequence: string }[]>`
    select format('%I.%I', n.nspname, t.relname) as table, quote_ident(a.attname) as column,
      s.oid::regclass::text as sequence
    from pg_class s
    join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
      and d.refclassid = 'pg_class'::regclass
    join pg_class t on t.oid = d.refobjid
    join pg_namespace n on n.oid = t.relnamespace and n.nspname = 'public'
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    -- PostgreSQL may evaluate the conditions in any order, and has_sequence_privilege fails on other relations.
    where case when s.relkind = 'S' then has_sequence_privilege(s.oid, 'UPDATE') else false end
      and t.relname in ${sql(tables ?? OWN_TABLES)}`;
  for (const { table, column, sequence } of owned) {
    await sql.unsafe(`select setval('${sequence.replaceAll("'", "''")}', newest) from
      (select max(${column})::bigint as newest from ${table}) as rows
      where newest > (select case when is_called then last_value else last_value - 1 end from ${sequence})`);
  }
}

/** Tables with ids from a sequence. Sequences of other programs in the same database are not touched. */
const OWN_TABLES = [
  'sync_logs',
  'patients',
  'quarantine',
  'audit_log',
  'api_tokens',
  'browser_sessions',
  'sign_in_identities',
  'webhook_endpoints',
  'webhook_deliveries',
  'bulk_operations',
];
