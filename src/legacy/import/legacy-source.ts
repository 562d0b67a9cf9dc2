/**
 * The rows of the old `sync_logs`, in portions, from one read-only transaction: all portions show the same moment, also while
 * the old system still writes.
 *
 * Neighbours: legacy-table.ts (where the table is), history-row.ts (what a row becomes).
 */
import type { TransactionSql } from 'postgres';
import { withExplanation } from '../../database/check-database.ts';
import { withConnection } from '../../database/driver.ts';
import { liftLimits } from '../../database/lift-limits.ts';
import { ROWS_AT_ONCE } from '../../database/portions.ts';
import { databaseError } from '../../logging/safe-error.ts';
import { LegacyImportError } from './error.ts';
import { findLegacyTable, type LegacyTable } from './legacy-table.ts';

/** In `counts`: no row of it can be mapped. */
export const NO_ORGANIZATION = '';

/** Every column as text; null also where the table has no such column. */
export interface LegacyRow {
  id: string;
  organization: string;
  source: string | null;
  operation: string | null;
  status: string | null;
  /** UTC, `YYYY-MM-DD HH:MI:SS.US`; null for a time that the calendar of this server does not have, such as `infinity`. */
  started_at: string | null;
  completed_at: string | null;
  updated_at: string | null;
  processed: string | null;
  success: string | null;
  failed: string | null;
  error_details: string | null;
  metadata: string | null;
  /** Whether it started or changed within the last day, by the clock of the old database. */
  is_recent: boolean;
}

export interface LegacySource {
  table: LegacyTable;
  /** All rows, by organization id of the old system, in the order of the ids. */
  counts: ReadonlyMap<string, number>;
  /** The rows of these organizations, oldest first within each. */
  portions(organizations: readonly string[]): AsyncIterable<LegacyRow[]>;
}

export interface SourceOptions {
  schema: string | undefined;
  /** Of times without a zone. */
  timeZone: string;
}

/** A stack trace can be long; what is behind this many characters says nothing more. */
const TEXT_AT_MOST = 100_000;

/**
 * @param url in each form of address.ts
 * @throws LegacyImportError, DatabaseStartError
 */
export async function withLegacySource<T>(
  url: string,
  options: SourceOptions,
  work: (source: LegacySource) => Promise<T>,
): Promise<T> {
  const connection = { application_name: 'patient-sync import-legacy' };
  return await withConnection(url, { connect_timeout: 10, connection }, async (sql) => {
    const explained = <R>(reading: Promise<R>) =>
      reading.catch((error: unknown) => {
        throw explain(url, error);
      });
    await explained(sql`select 1`);
    // What the work throws is about our database, so it is not explained as an error of this one.
    const done = await sql.begin('isolation level repeatable read read only', async (tx) => ({
      result: await work(await explained(openSource(tx, url, options))),
    }));
    return done.result as T;
  });
}

async function openSource(
  tx: TransactionSql,
  url: string,
  { schema, timeZone }: SourceOptions,
): Promise<LegacySource> {
  // With policies applied, rows that the role may not see would be left out without a word. Off, they are an error.
  await tx.unsafe('set local row_security = off');
  await liftLimits(tx);
  const table = await findLegacyTable(tx, schema);
  const counts = await tx.unsafe<{ organization: string; rows: string }[]>(
    `select coalesce(organization_id::text, '${NO_ORGANIZATION}') as organization, count(*) as rows from ${table.name} group by 1 order by 1`,
  );
  return {
    table,
    counts: new Map(counts.map(({ organization, rows }) => [organization, Number(rows)])),
    portions: (organizations) =>
      readPortions(tx, url, selectRows(table), [timeZone, JSON.stringify(organizations)]),
  };
}

async function* readPortions(
  tx: TransactionSql,
  url: string,
  query: string,
  parameters: string[],
): AsyncGenerator<LegacyRow[]> {
  try {
    yield* tx.unsafe<LegacyRow[]>(query, parameters).cursor(ROWS_AT_ONCE);
  } catch (error) {
    throw explain(url, error);
  }
}

function selectRows({ name, columns }: LegacyTable): string {
  const has = (column: string) => columns.has(column);
  const column = (from: string, to: string) => `${has(from) ? `${from}::text` : 'null::text'} as ${to}`;
  const long = (from: string) =>
    `${has(from) ? `left(${from}::text, ${TEXT_AT_MOST})` : 'null::text'} as ${from}`;
  const time = (from: string) =>
    has(from)
      ? `case when ${from} >= '0001-01-02' and ${from} <= '9999-12-30' then to_char(${instant(from, columns)} at time zone 'UTC',
          'YYYY-MM-DD HH24:MI:SS.US') end as ${from}`
      : `null::text as ${from}`;
  const changes = ['started_at', 'updated_at'].filter(has).map((one) => instant(one, columns));
  return `select id::text as id, organization_id::text as organization, ${column('source_system', 'source')},
      ${column('operation_type', 'operation')}, status::text as status,
      ${['started_at', 'completed_at', 'updated_at'].map(time).join(', ')},
      ${column('records_processed', 'processed')}, ${column('records_success', 'success')},
      ${column('records_failed', 'failed')}, ${long('error_details')}, ${long('metadata')},
      coalesce(greatest(${changes.join(', ')}) > now() - interval '1 day', false) as is_recent
    from ${name} as old
    where $1::text is not null and organization_id::text in (select jsonb_array_elements_text($2::text::jsonb))
    order by organization_id, old.started_at, old.id`;
}

const instant = (column: string, columns: ReadonlyMap<string, string>): string =>
  columns.get(column) === 'timestamp with time zone'
    ? `old.${column}`
    : `(old.${column}::timestamp at time zone $1::text)`;

const REFUSED = '42501';

function explain(url: string, error: unknown): unknown {
  if (error instanceof LegacyImportError) return error;
  if (databaseError(error)?.code === REFUSED) {
    return new LegacyImportError(
      'The role in --from may not read every row of sync_logs. Use the owner of the table, or as its owner: GRANT SELECT ON sync_logs TO the role, and ALTER ROLE the role BYPASSRLS where the table has row-level security.',
    );
  }
  return withExplanation('--from', url, error);
}
