/**
 * Finds objects of another program that have the names of ours, before the first migration. One error names all of them,
 * with the command that moves them to another schema. Views and foreign keys of the other program follow a table that moves.
 *
 * Neighbour: sync-logs-compatibility.ts (`sync_logs` may stay, if it takes our rows).
 */
import type { ISql, TransactionSql } from 'postgres';
import { DatabaseStartError } from './database-failure.ts';
import { JOURNAL_TABLE } from './migration-journal.ts';
import { readOwnObjects } from './own-objects.ts';
import { readIncompatibilities } from './sync-logs-compatibility.ts';

interface Found {
  name: string;
  /** The keyword of the ALTER statement. */
  kind: string;
  reason: string;
  /** Undefined when the role of this session may move it. */
  owner: string | undefined;
}

const SCHEMA = 'old_system';
const GUIDE = 'docs/guides/moving-from-the-old-system.md';

/**
 * Inserts test rows into `sync_logs` and rolls them back.
 *
 * @param isFirst whether no migration of ours was applied yet
 * @throws DatabaseStartError
 */
export async function assertNoConflictingObjects(sql: TransactionSql, isFirst: boolean): Promise<void> {
  const { relations, functions } = await readOwnObjects();
  const names = [...relations, ...functions].filter((name) => name !== JOURNAL_TABLE);
  const reasons = await readIncompatibilities(sql, names);
  if (reasons.length === 0 && !isFirst) return;
  if (!isFirst) {
    throw new DatabaseStartError(
      `Another program has changed the table sync_logs so that this server cannot record every sync: ${reasons.join(', ')}. Give the column a default, drop NOT NULL, or drop the named constraint or trigger, then start again; see ${GUIDE}.`,
    );
  }
  const found = await readFound(sql, names);
  if (['sync_streams', 'sync_runs'].every((own) => found.some(({ name }) => name === own))) {
    throw new DatabaseStartError(
      'The tables of this server are in the database, but its journal of migrations is not: it was restored in part. Restore the whole dump, with all its schemas, into an empty database.',
    );
  }
  const logs = found.find(({ name }) => name === 'sync_logs');
  const all = [
    ...(logs === undefined ? [] : inTheWay(logs, reasons)),
    ...found.filter(({ name }) => name !== 'sync_logs'),
  ];
  if (all.length > 0) throw new DatabaseStartError(refusal(all));
}

/** The table is in the way when it does not fit, or when the migration may not add its triggers. */
function inTheWay(logs: Found, incompatibilities: readonly string[]): Found[] {
  const reasons = [
    ...incompatibilities,
    ...(logs.owner === undefined ? [] : [`it belongs to role ${logs.owner}, so no trigger can be added`]),
  ];
  return reasons.length === 0 ? [] : [{ ...logs, reason: reasons.join(', ') }];
}

function refusal(found: readonly Found[]): string {
  const named = found.map(({ name, kind, reason }) => `${kind} "${name}" (${reason})`).join('; ');
  const moves = found.map(({ name, kind }) => ` -c 'alter ${kind} "${name}" set schema ${SCHEMA}'`).join('');
  const owners = [...new Set(found.flatMap(({ owner }) => owner ?? []))].sort();
  const address =
    owners.length === 0 ? '' : ` with the address of ${owners.join(' or ')} instead of DATABASE_URL`;
  const history = found.some(({ name }) => name === 'sync_logs')
    ? '; section 5 copies the history in sync_logs with npm run db:import-legacy'
    : '';
  return `Objects of another program in this database have names that this server needs: ${named}. Move them aside${address}, then start again (${GUIDE}, section 2${history}): psql "$DATABASE_URL" -1 -v ON_ERROR_STOP=1 -c 'create schema if not exists ${SCHEMA}'${moves}`;
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
async function readFound(sql: ISql, names: readonly string[]): Promise<Found[]> {
  const relations = await sql<{ name: string; relkind: string; id: string | null; owner: string | null }[]>`
    select relname as name, relkind, (select format_type(atttypid, null) from pg_attribute
      where attrelid = pg_class.oid and attname = 'id' and not attisdropped) as id, ${ownerOf(sql, 'relowner')}
    from pg_class where relnamespace = 'public'::regnamespace and relname in ${sql(names)}
      and relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
        and refclassid = 'pg_class'::regclass and deptype in ('a', 'i') and relkind = 'S')
    order by relname`;
  const routines = await sql<{ name: string; owner: string | null }[]>`
    select distinct proname as name, ${ownerOf(sql, 'proowner')}
    from pg_proc where pronamespace = 'public'::regnamespace and proname in ${sql(names)}
    order by proname`;
  return [
    ...relations.map(({ name, relkind, id, owner }) => ({
      name,
      kind: KINDS[relkind] ?? 'table',
      reason: id === null ? 'this server makes one of that name' : `not of this server: its id is ${id}`,
      owner: owner ?? undefined,
    })),
    ...routines.map(({ name, owner }) => ({
      name,
      kind: 'routine',
      reason: 'this server makes one of that name',
      owner: owner ?? undefined,
    })),
  ];
}

const ownerOf = (sql: ISql, column: 'relowner' | 'proowner') =>
  sql`case when not pg_has_role(${sql(column)}, 'USAGE') then quote_ident(pg_get_userbyid(${sql(column)})) end as owner`;
