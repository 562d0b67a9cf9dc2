/**
 * Whether the `sync_logs` in this database takes every row that this server writes. The table is shared on purpose: that of the
 * monitoring guide is adopted with its rows, and other programs may change it at any time.
 *
 * The columns are compared. What only an insert shows (a check, a unique index, a trigger of another program) is tested
 * with rows that are rolled back.
 */

import type { ISql, TransactionSql } from 'postgres';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { databaseError } from '../logging/safe-error.ts';
import { isBlockedByLock } from './lock-tables.ts';

interface Column {
  /** As `format_type` prints them. */
  types: readonly string[];
  /** A run begins without it, or leaves it empty. */
  mayBeNull?: true;
}

/** The columns of the guide. */
const COLUMNS: Record<string, Column> = {
  id: { types: ['integer', 'bigint'] },
  organization_id: { types: ['integer'] },
  operation_type: { types: ['character varying', 'text'] },
  status: { types: ['character varying', 'text'] },
  started_at: { types: ['timestamp without time zone'] },
  completed_at: { types: ['timestamp without time zone'], mayBeNull: true },
  records_processed: { types: ['integer'], mayBeNull: true },
  records_success: { types: ['integer'], mayBeNull: true },
  records_failed: { types: ['integer'], mayBeNull: true },
  metadata: { types: ['jsonb'] },
  error_details: { types: ['text'], mayBeNull: true },
};

/** @returns the reasons why not; empty when there is no such table */
export async function readIncompatibilities(
  sql: TransactionSql,
  ownFunctions: readonly string[],
): Promise<string[]> {
  const kind = await readKind(sql);
  if (kind !== undefined) return [kind];
  const columns = await readIncompatibleColumns(sql);
  if (columns === undefined) return [];
  // In a table with other columns, test rows show nothing more.
  if (columns.length > 0) return columns;
  const foreignKeys = await readForeignKeys(sql);
  return [
    ...foreignKeys,
    ...((await hasMoreRules(sql, ownFunctions)) ? await testRows(sql, foreignKeys.length > 0) : []),
  ];
}

const KINDS: Record<string, string> = {
  p: 'a partitioned table, not an ordinary one',
  f: 'a foreign table, not an ordinary one',
  v: 'a view, not a table',
  m: 'a materialized view, not a table',
};

/** Triggers and the index for the one running run need an ordinary table. */
async function readKind(sql: ISql): Promise<string | undefined> {
  const [relation] = await sql<{ kind: string }[]>`
    select relkind as kind from pg_class where oid = to_regclass('public.sync_logs')`;
  const kind = KINDS[relation?.kind ?? 'r'];
  return kind === undefined ? undefined : `it is ${kind}`;
}

interface FoundColumn {
  name: string;
  type: string;
  notNull: boolean;
  /** Has a value of its own when a row is inserted without one. */
  filled: boolean;
}

async function readIncompatibleColumns(sql: ISql): Promise<string[] | undefined> {
  const columns = await sql<FoundColumn[]>`
    select attname as name, format_type(atttypid, null) as type, attnotnull as "notNull",
      atthasdef or attidentity <> '' or attgenerated <> '' as filled
    from pg_attribute where attrelid = to_regclass('public.sync_logs') and attnum > 0 and not attisdropped`;
  if (columns.length === 0) return undefined;
  const present = new Set(columns.map(({ name }) => name));
  return [
    ...Object.keys(COLUMNS)
      .filter((name) => !present.has(name))
      .map((name) => `it has no column ${name}`),
    ...columns.flatMap(incompatibilityOf),
  ];
}

function incompatibilityOf({ name, type, notNull, filled }: FoundColumn): string[] {
  const known = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
  if (known !== undefined && !known.types.includes(type)) {
    return [`its column ${name} is ${type}, not ${known.types[0]}`];
  }
  if (known?.mayBeNull) return notNull ? [`its column ${name} is NOT NULL`] : [];
  if (known !== undefined && name !== 'id') return [];
  // A table that was copied without its sequence has an `id` that may be NULL.
  const isEmpty = !filled && (notNull || name === 'id');
  return isEmpty ? [`its column ${name} ${notNull ? 'is NOT NULL without a' : 'has no'} default`] : [];
}

/** Logs outlive their organization, and clinics are registered here, so a foreign key sooner or later refuses a row. */
async function readForeignKeys(sql: ISql): Promise<string[]> {
  const keys = await sql<{ name: string; target: string }[]>`
    select conname as name, confrelid::regclass::text as target from pg_constraint
    where conrelid = to_regclass('public.sync_logs') and contype = 'f' order by conname`;
  return keys.map(({ name, target }) => `its foreign key ${name} refers to ${target}`);
}

/** The index for the one running run of an organization; migrations create it. */
const OWN_INDEX = 'sync_logs_one_running';
/** Of the triggers that version 0.1 put on the table; the upgrade drops them. */
const FUNCTIONS_OF_0_1 = ['sync_logs_append_event', 'sync_logs_append_truncation', 'webhooks_enqueue'];
const LONGEST_WORDS = { operation_type: 'changed_patients', status: 'completed' };

/** Whether anything but columns and our own triggers decides which rows the table takes. */
async function hasMoreRules(sql: ISql, ownFunctions: readonly string[]): Promise<boolean> {
  const [row] = await sql<{ more: boolean }[]>`
    with logs as (select to_regclass('public.sync_logs')::oid as oid)
    select exists (select from pg_constraint, logs where conrelid = logs.oid and contype in ('c', 'f', 'u', 'x'))
      or exists (select from pg_trigger join pg_proc on pg_proc.oid = tgfoid, logs
        where tgrelid = logs.oid and not tgisinternal and proname <> all(${[...ownFunctions, ...FUNCTIONS_OF_0_1]}::text[]))
      or exists (select from pg_index join pg_class on pg_class.oid = indexrelid, logs
        where indrelid = logs.oid and indisunique and not indisprimary and relname <> ${OWN_INDEX})
      or exists (select from pg_rewrite, logs where ev_class = logs.oid)
      or exists (select from pg_attribute, logs where attrelid = logs.oid and not attisdropped and atttypmod > 4
        and ((attname = 'operation_type' and atttypmod - 4 < ${LONGEST_WORDS.operation_type.length})
          or (attname = 'status' and atttypmod - 4 < ${LONGEST_WORDS.status.length}))) as more`;
  return row?.more === true;
}

/** Ids that no program uses. */
const TEST_ORGANIZATION = MAX_ROW_ID;
const TEST_ROWS = [
  { id: -1, type: 'changed_patients', status: 'running', ended: false },
  { id: -2, type: 'active_patients', status: 'failed', ended: true },
  { id: -3, type: 'full_patients', status: 'completed', ended: true },
];

type TestRow = (typeof TEST_ROWS)[number];

/** Thrown to roll the test rows back. */
const ROLLED_BACK = new Error('The test rows are rolled back.');

async function testRows(tx: TransactionSql, skipForeignKeys: boolean): Promise<string[]> {
  const reasons = new Set<string>();
  const trial = tx.savepoint(async (all) => {
    for (const row of TEST_ROWS) {
      const reason = await tryRow(all, row, skipForeignKeys);
      if (reason !== undefined) reasons.add(reason);
    }
    throw ROLLED_BACK;
  });
  await trial.catch((error: unknown) => {
    if (error !== ROLLED_BACK) throw error;
  });
  return [...reasons];
}

/** @returns why the table does not take this row; undefined when it does */
async function tryRow(
  tx: TransactionSql,
  row: TestRow,
  skipForeignKeys: boolean,
): Promise<string | undefined> {
  const words = `a ${row.type} row with status ${row.status}`;
  try {
    const isKept = await tx.savepoint((one) => keepsTestRow(one, row));
    return isKept ? undefined : `a trigger or rule of another program drops or changes ${words}`;
  } catch (error) {
    const refusal = databaseError(error);
    if (refusal === undefined || isBlockedByLock(refusal.code)) throw error;
    return refusal.code === FOREIGN_KEY && skipForeignKeys ? undefined : describe(refusal, words);
  }
}

/** Inserts a row and ends it, as a run does. @returns whether the table holds what was written, both times */
async function keepsTestRow(sql: ISql, { id, type, status, ended }: TestRow): Promise<boolean> {
  // Each with a start of its own: a unique index may contain it.
  const start = sql`now() at time zone 'utc' + ${id}::int * interval '1 minute'`;
  const reason = 'A test row that is rolled back.';
  await sql`insert into sync_logs (id, organization_id, operation_type, status, started_at, completed_at, metadata,
      records_processed, records_success, records_failed, error_details) overriding system value
    values (${id}, ${TEST_ORGANIZATION}, ${type}, ${status}, ${start}, ${ended ? start : sql`null`}, '{}', null, null, null,
      ${ended ? reason : null})`;
  const holds = async (word: string) => {
    const rows = await sql`select from sync_logs where id = ${id} and organization_id = ${TEST_ORGANIZATION}
      and operation_type = ${type} and status = ${word}`;
    return rows.length === 1;
  };
  if (!(await holds(status))) return false;
  const end = ended ? status : 'failed';
  await sql`update sync_logs set status = ${end}, completed_at = ${start}, error_details = ${reason} where id = ${id}`;
  return await holds(end);
}

const FOREIGN_KEY = '23503';

function describe(refusal: { code: string; constraint_name?: string }, row: string): string {
  const constraint = refusal.constraint_name;
  switch (refusal.code) {
    case '23514':
      return `its check ${constraint} refuses ${row}`;
    case '23505':
    case '23P01':
      return `its index ${constraint} allows fewer rows than this server writes`;
    case '22001':
      return `one of its columns is too short for ${row}`;
    default:
      return `a trigger, rule or constraint of another program refuses ${row} (SQLSTATE ${refusal.code})`;
  }
}
