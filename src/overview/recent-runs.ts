/**
 * Reads the runs of the last hours, of all organizations: what happened since two o'clock?
 *
 * For all organizations along `sync_logs_recent`; for a list of them a few lookups for each (`sync_logs_newest`). So the cost does not
 * grow with the number of runs, whatever program wrote them.
 */
import type { ISql } from 'postgres';
import type { SyncStatus } from '#contract/sync-log.ts';
import { type RunRow, renderRun, runColumns } from '../events/run-row.ts';
import type { GrantedOrganizations } from '../http/principal.ts';

export interface RecentRunsFilter {
  organizations: GrantedOrganizations;
  /** Milliseconds since 1970: runs that started later. */
  since: number;
  status: SyncStatus | undefined;
  limit: number;
}

/** @returns rendered sync logs, newest first */
export async function readRecentRuns(sql: ISql, filter: RecentRunsFilter): Promise<string[]> {
  const { organizations, limit } = filter;
  const rows = await sql<(RunRow & { epoch: string })[]>`
    select sync_epoch() as epoch, ${runColumns(sql)}
    from (
      ${organizations === '*' ? runsOfAll(sql, filter) : runsOf(sql, [...organizations], filter)}
      order by started_at desc, id desc limit ${limit}) as log
    order by log.started_at desc, log.id desc`;
  return rows.map((row) => renderRun(row, row.epoch));
}

/** A row without a stream has an organization that no client can name. */
const runsOfAll = (sql: ISql, filter: RecentRunsFilter) => sql`
  select id, organization_id, started_at, sync_log_row(one) as row from sync_logs as one
  where ${isMeant(sql, filter)}
    and exists (select from sync_streams as stream where stream.organization_id = one.organization_id)`;

const runsOf = (sql: ISql, ids: number[], filter: RecentRunsFilter) => sql`
  select run.* from unnest(${ids}::int[]) as organization (id)
  cross join lateral (
    select id, organization_id, started_at, sync_log_row(one) as row from sync_logs as one
    where one.organization_id = organization.id and ${isMeant(sql, filter)}
    order by started_at desc, id desc limit ${filter.limit}) as run`;

const isMeant = (sql: ISql, { since, status }: RecentRunsFilter) => sql`
  one.started_at > to_timestamp(${since}::float8 / 1000) at time zone 'utc'
  ${status === undefined ? sql`` : sql`and sync_log_status(one) = ${status}`}`;
