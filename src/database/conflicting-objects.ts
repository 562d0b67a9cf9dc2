/**
 * Finds objects of another program that have the names of ours, before the first migration. One error names all of them,
 * with the command that moves them to another schema.
 *
 * `sync_logs` is shared on purpose: the table of the monitoring guide is adopted with its rows, if a row can be inserted
 * without values for columns that only the other program knows.
 */
import type { ISql } from 'postgres';
import { DatabaseStartError } from './database-failure.ts';
import { readMigrations } from './migration-journal.ts';

interface Found {
  name: string;
  /** The keyword of the ALTER statement. */
  kind: string;
  reason: string;
}

/** The columns of the guide, as `format_type` prints them. */
const SYNC_LOGS: Record<string, readonly string[]> = {
  id: ['integer', 'bigint'],
  organization_id: ['integer'],
  operation_type: ['character varying', 'text'],
  status: ['character varying', 'text'],
  started_at: ['timestamp without time zone'],
  completed_at: ['timestamp without time zone'],
  records_processed: ['integer'],
  records_success: ['integer'],
  records_failed: ['integer'],
  metadata: ['jsonb'],
  error_details: ['text'],
};

const SCHEMA = 'old_system';
const GUIDE = 'docs/guides/moving-from-the-old-system.md';

/**
 * @param isFirst whether no migration of ours was applied yet
 * @throws DatabaseStartError
 */
export async function assertNoConflictingObjects(sql: ISql, isFirst: boolean): Promise<void> {
  const misfits = await readIncompatible(sql);
  if (misfits.length === 0 && !isFirst) return;
  const found = isFirst ? await readFound(sql) : [];
  if (found.some(({ name }) => name === 'sync_streams') && found.some(({ name }) => name === 'sync_runs')) {
    throw new DatabaseStartError(
      'The tables of this server are in the database, but its journal of migrations is not: it was restored in part. Restore the whole dump, with all its schemas, into an empty database.',
    );
  }
  const all: Found[] = [
    ...(misfits.length === 0 ? [] : [{ name: 'sync_logs', kind: 'table', reason: misfits.join(', ') }]),
    ...found,
  ];
  if (all.length > 0) throw new DatabaseStartError(refusal(all, isFirst));
}

function refusal(found: readonly Found[], isFirst: boolean): string {
  const named = found.map(({ name, kind, reason }) => `${kind} "${name}" (${reason})`).join('; ');
  if (!isFirst) {
    return `Another program has changed a table of this server so that no sync can be recorded: ${named}. Give each named column a default or drop NOT NULL, then start again; see ${GUIDE}.`;
  }
  const moves = found.map(({ name, kind }) => ` -c 'alter ${kind} "${name}" set schema ${SCHEMA}'`).join('');
  return `Objects of another program are in the way in this database: ${named}. Move them aside, then start again (${GUIDE}, section 1): psql "$DATABASE_URL" -c 'create schema if not exists ${SCHEMA}'${moves}`;
}

/** The reasons why a row of ours cannot be inserted into the existing `sync_logs`. */
async function readIncompatible(sql: ISql): Promise<string[]> {
  const columns = await sql<{ name: string; type: string; required: boolean }[]>`
    select attname as name, format_type(atttypid, null) as type,
      attnotnull and not atthasdef and attidentity = '' and attgenerated = '' as required
    from pg_attribute where attrelid = to_regclass('public.sync_logs') and attnum > 0 and not attisdropped`;
  if (columns.length === 0) return [];
  const present = new Set(columns.map(({ name }) => name));
  return [
    ...Object.keys(SYNC_LOGS)
      .filter((name) => !present.has(name))
      .map((name) => `it has no column ${name}`),
    ...columns.flatMap(({ name, type, required }) => {
      const types = Object.hasOwn(SYNC_LOGS, name) ? SYNC_LOGS[name] : undefined;
      if (types === undefined) return required ? [`its column ${name} is NOT NULL without a default`] : [];
      return types.includes(type) ? [] : [`its column ${name} is ${type}, not ${types[0]}`];
    }),
  ];
}

const KINDS: Record<string, string> = {
  r: 'table',
  p: 'table',
  f: 'foreign table',
  v: 'view',
  m: 'materialized view',
  S: 'sequence',
};

/** Indexes and constraints move with their table, and sequences with their column. */
async function readFound(sql: ISql): Promise<Found[]> {
  const names = namesOfMigrations().filter((name) => name !== 'sync_logs');
  const relations = await sql<{ name: string; relkind: string; id: string | null }[]>`
    select relname as name, relkind, (select format_type(atttypid, null) from pg_attribute
      where attrelid = pg_class.oid and attname = 'id' and not attisdropped) as id
    from pg_class where relnamespace = 'public'::regnamespace and relname in ${sql(names)}
      and relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
        and refclassid = 'pg_class'::regclass and deptype in ('a', 'i') and relkind = 'S')
    order by relname`;
  const routines = await sql<{ name: string }[]>`
    select distinct proname as name from pg_proc where pronamespace = 'public'::regnamespace and proname in ${sql(names)}
    order by proname`;
  return [
    ...relations.map(({ name, relkind, id }) => ({
      name,
      kind: KINDS[relkind] ?? 'table',
      reason: id === null ? 'this server makes one of that name' : `not of this server: its id is ${id}`,
    })),
    ...routines.map(({ name }) => ({ name, kind: 'routine', reason: 'this server makes one of that name' })),
  ];
}

const CREATED =
  /^\s*CREATE\s+(?:OR REPLACE\s+)?(?:TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|FUNCTION|PROCEDURE)\s+(?:IF NOT EXISTS\s+)?"?(\w+)"?/gim;

function namesOfMigrations(): string[] {
  const text = readMigrations()
    .flatMap(({ sql }) => sql)
    .join('\n');
  return [...new Set([...text.matchAll(CREATED)].map(([, name = '']) => name))];
}
