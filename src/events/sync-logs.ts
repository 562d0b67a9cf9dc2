/** Reads `sync_logs` for the poll, with the stream position (`head`) at which the result was true. */
import type { ISql, Sql } from 'postgres';
import { isOfPresent } from '../organizations/erased-runs.ts';
import { lastChangeOf, type RunRow, renderRun } from './run-row.ts';

export interface SyncLogFilter {
  /** 1 to 100. */
  limit: number;
  status?: string | undefined;
  operationType?: string | undefined;
  /** Only rows older than the row with this id. */
  before?: number | undefined;
  /** Only this row. */
  id?: number | undefined;
  /** Without those of a deleted organization with the same id. */
  ofPresent?: true;
}

/** The newest event of an organization's stream; 0 before the first. */
export interface StreamHead {
  epoch: string;
  head: number;
}

export interface SyncLogPage extends StreamHead {
  /** Rendered sync logs, newest first. */
  logs: string[];
  /** Whether more rows match after these. */
  hasMore: boolean;
}

/**
 * One statement, so the logs and the head are consistent.
 *
 * @param knownEpoch on a replica, which cannot name the epoch itself
 */
export async function readSyncLogs(
  sql: ISql,
  organizationId: number,
  filter: SyncLogFilter,
  knownEpoch?: string,
): Promise<SyncLogPage> {
  const [page] = await sql<
    {
      epoch: string;
      head: string;
      logs: [RunRow['columns'], RunRow['metadata'], RunRow['change']][];
    }[]
  >`
    select ${knownEpoch === undefined ? sql`sync_epoch()` : sql`${knownEpoch}::text`} as epoch,
      coalesce((select head from sync_streams where organization_id = ${organizationId}), 0) as head,
      coalesce((
        select json_agg(
          json_build_array((log.row - 'metadata')::text, (log.row -> 'metadata')::text, ${lastChangeOf(sql)})
          order by log.started_at desc, log.id desc)
        from (
          select id, organization_id, started_at, sync_log_row(run) as row from sync_logs as run
          where organization_id = ${organizationId} ${conditions(sql, organizationId, filter)}
          order by started_at desc, id desc limit ${filter.limit + 1}
        ) as log), '[]') as logs`;
  if (page === undefined) throw new Error('A statement that always returns one row returned none.');
  const { epoch } = page;
  return {
    epoch,
    head: Number(page.head),
    logs: page.logs
      .slice(0, filter.limit)
      .map(([columns, metadata, change]) => renderRun({ columns, metadata, change }, epoch)),
    hasMore: page.logs.length > filter.limit,
  };
}

function conditions(sql: ISql, organizationId: number, filter: SyncLogFilter) {
  const { status, operationType, before, id, ofPresent } = filter;
  return sql`
    ${ofPresent ? sql`and ${isOfPresent(sql, sql`${organizationId}::int`, sql`started_at`)}` : sql``}
    ${status === undefined ? sql`` : sql`and sync_log_status(run) = ${status}`}
    ${operationType === undefined ? sql`` : sql`and operation_type = ${operationType}`}
    ${id === undefined ? sql`` : sql`and id = ${id}`}
    ${
      before === undefined
        ? sql``
        : sql`and (started_at, id) < (select started_at, id from sync_logs
            where id = ${before} and organization_id = ${organizationId})`
    }`;
}

/** Reads only what an `ETag` needs. */
export async function readHead(sql: Sql, organizationId: number): Promise<StreamHead> {
  const [row] = await sql<{ epoch: string; head: string }[]>`
    select sync_epoch() as epoch,
      coalesce((select head from sync_streams where organization_id = ${organizationId}), 0) as head`;
  if (row === undefined) throw new Error('A statement that always returns one row returned none.');
  return { epoch: row.epoch, head: Number(row.head) };
}
