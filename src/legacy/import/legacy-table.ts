/**
 * Finds the `sync_logs` of the old system and describes its columns. Its versions differ: ids are integers or uuids, times
 * have a zone or not, and only few columns are always there.
 *
 * Not here: its rows (legacy-source.ts).
 */
import type { ISql } from 'postgres';
import { LegacyImportError } from './error.ts';

export interface LegacyTable {
  /** For statements and people: `public.sync_logs`, quoted where needed. */
  name: string;
  /** The types of its columns, as `format_type` prints them. */
  columns: ReadonlyMap<string, string>;
  /** Whether a time has no zone, so that only a person knows which zone it is in. */
  needsTimeZone: boolean;
}

/** The schema to which the start tells operators to move old tables. */
const MOVED_ASIDE = 'old_system';
const ALWAYS_THERE = ['id', 'organization_id', 'status', 'started_at'];
const TIMES = ['started_at', 'completed_at', 'updated_at'];
const WITHOUT_ZONE = new Set(['timestamp without time zone', 'date']);

/** @param schema undefined: where it is, or where the start has it moved to @throws LegacyImportError */
export async function findLegacyTable(sql: ISql, schema: string | undefined): Promise<LegacyTable> {
  const found = await sql<{ schema: string; name: string; oid: number; is_ours: boolean }[]>`
    select nspname as schema, format('%I.%I', nspname, relname) as name, pg_class.oid::int8::text as oid,
      to_regclass(format('%I.sync_streams', nspname)) is not null as is_ours
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relname = 'sync_logs' and relkind in ('r', 'p', 'v', 'm', 'f')
      and nspname in (${schema ?? MOVED_ASIDE}, ${schema ?? 'public'})
    order by nspname`;
  const old = found.filter(({ is_ours }) => !is_ours);
  const [table] = old;
  if (table === undefined) throw new LegacyImportError(explainNone(schema, found.length > 0));
  if (old.length > 1) {
    throw new LegacyImportError(
      `The old database has ${old.map(({ name }) => name).join(' and ')}. Name the schema of the old table with --schema.`,
    );
  }
  const columns = await readColumns(sql, table.oid);
  const missing = ALWAYS_THERE.filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new LegacyImportError(
      `${table.name} of the old database has no column ${missing.join(', ')}, so it is no history of syncs. Name the schema of the old table with --schema.`,
    );
  }
  return { name: table.name, columns, needsTimeZone: readNeedOfZone(table.name, columns) };
}

function explainNone(schema: string | undefined, isOurs: boolean): string {
  const where = schema === undefined ? 'public' : schema;
  if (isOurs) {
    return `The table sync_logs in the schema ${where} belongs to this server: its rows need no import. Name the schema of the old table with --schema.`;
  }
  return schema === undefined
    ? `The old database has no table sync_logs in the schemas public and ${MOVED_ASIDE}. Check the address in --from, or name the schema with --schema.`
    : `The old database has no table sync_logs in the schema ${schema}. Check --from and --schema.`;
}

async function readColumns(sql: ISql, oid: number): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; type: string }[]>`
    select attname as name, format_type(atttypid, null) as type from pg_attribute
    where attrelid = ${oid}::oid and attnum > 0 and not attisdropped`;
  return new Map(rows.map(({ name, type }) => [name, type]));
}

function readNeedOfZone(table: string, columns: ReadonlyMap<string, string>): boolean {
  const times = TIMES.flatMap((name) => {
    const type = columns.get(name);
    return type === undefined ? [] : [{ name, type }];
  });
  const odd = times.find(({ type }) => type !== 'timestamp with time zone' && !WITHOUT_ZONE.has(type));
  if (odd !== undefined) {
    throw new LegacyImportError(
      `Column ${odd.name} of ${table} is ${odd.type}, not a timestamp. Make a view with a timestamp in another schema, and name that schema with --schema.`,
    );
  }
  return times.some(({ type }) => WITHOUT_ZONE.has(type));
}
