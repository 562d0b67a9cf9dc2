/** The runs behind the old answers: the same rows and the same rendering as the documented poll. */
import type { Sql } from 'postgres';
import { MAX_ROW_ID, SyncLog } from '#contract/sync-log.ts';
import { type RunRow, renderRun, runColumns } from '../events/run-row.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import type { GrantedOrganizations } from '../http/principal.ts';
import { isOfPresent } from '../organizations/erased-runs.ts';
import { findSecondsTaken, formatSyncId } from './sync-id.ts';

export const parseLog = (text: string): SyncLog => SyncLog.parse(JSON.parse(text));

export interface RecentRuns {
  /** Newest first. */
  logs: SyncLog[];
  /** Of the present organization. */
  latestCompleted: SyncLog | undefined;
}

/** @param limit 1 to 100 */
export async function readRecentRuns(sql: Sql, organizationId: number, limit: number): Promise<RecentRuns> {
  const [recent, completed] = await Promise.all([
    readSyncLogs(sql, organizationId, { limit }),
    readSyncLogs(sql, organizationId, { limit: 1, status: 'completed', ofPresent: true }),
  ]);
  return { logs: recent.logs.map(parseLog), latestCompleted: completed.logs.map(parseLog)[0] };
}

/** Of an organization that no full run has counted. */
const NEWEST_RUNS = 100;

/**
 * The number of patients in Cliniko, as the newest full run that knew it counted them. When no full run did, the most that one of the
 * newest runs found: a run of active or changed patients finds only a part of the clinic.
 *
 * @returns 0 when it is not known
 */
export async function readCountInCliniko(sql: Sql, organizationId: number): Promise<number> {
  const [row] = await sql<{ found: number }[]>`
    with run as not materialized (
      select id, started_at, operation_type,
        case when jsonb_typeof(metadata -> 'patients_found') = 'number' then
          trunc(greatest(0, least(${MAX_ROW_ID}, (metadata ->> 'patients_found')::numeric))) end as found
      from sync_logs where organization_id = ${organizationId}
        and ${isOfPresent(sql, sql`${organizationId}::int`, sql`started_at`)})
    select coalesce(
      (select found from run where operation_type = 'full_patients' and found > 0
        order by started_at desc, id desc limit 1),
      (select max(found) from (
        select found from run order by started_at desc, id desc limit ${NEWEST_RUNS}) as newest),
      0)::int as found`;
  return row?.found ?? 0;
}

/** The sync ids of these logs, by the id of the log. */
export async function readSyncIds(sql: Sql, logs: readonly SyncLog[]): Promise<Map<number, string>> {
  const taken = await findSecondsTaken(
    sql,
    logs.map(({ id }) => id),
  );
  return new Map(
    logs.map((log) => [
      log.id,
      formatSyncId(log.organization_id, log.started_at, taken.has(log.id) ? log.id : undefined),
    ]),
  );
}

export interface RunTotals {
  total: number;
  successful: number;
  failed: number;
  /** Of completed runs; 0 when there is none. */
  averageSeconds: number;
}

/**
 * Over all rows of the organization, not only the recent ones. Another program can store an end before the start: that duration is
 * ignored.
 */
export async function readRunTotals(sql: Sql, organizationId: number): Promise<RunTotals> {
  const [row] = await sql<RunTotals[]>`
    select count(*)::int as total,
      (count(*) filter (where status = 'completed'))::int as successful,
      (count(*) filter (where status = 'failed'))::int as failed,
      coalesce(round((avg(extract(epoch from completed_at - started_at))
        filter (where status = 'completed' and completed_at >= started_at and isfinite(completed_at)
          and isfinite(started_at)))::numeric, 1), 0)::float8 as "averageSeconds"
    from (select sync_log_status(run) as status, started_at, completed_at
          from sync_logs as run where organization_id = ${organizationId}) as run`;
  return row ?? { total: 0, successful: 0, failed: 0, averageSeconds: 0 };
}

/**
 * One statement, whatever the number of runs: a query for each would keep the pool busy.
 *
 * @returns the newest running row of each organization that the request may see and that has one, at most 1,000
 */
export async function readActiveRuns(sql: Sql, organizations: GrantedOrganizations): Promise<SyncLog[]> {
  const granted =
    organizations === '*' ? sql`` : sql`and organization_id = any(${[...organizations]}::int[])`;
  const rows = await sql<(RunRow & { epoch: string })[]>`
    select sync_epoch() as epoch, ${runColumns(sql)}
    from (
      select distinct on (organization_id) id, organization_id, sync_log_row(run) as row from sync_logs as run
      where sync_log_status(run) = 'running' ${granted}
      order by organization_id, started_at desc, id desc limit 1000) as log`;
  return rows.map((row) => parseLog(renderRun(row, row.epoch)));
}
