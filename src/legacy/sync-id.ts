/**
 * Sync ids of the old service's progress API: `sync_<organization>_<YYYYMMDD>_<HHMMSS>`, the start of a run in UTC.
 *
 * They are derived from `sync_logs`, so every server gives the same ones and no table holds them. Runs of an
 * organization never overlap, but two can start within one second: the later one gets `_<id of its log>` appended, and
 * both forms find it, so an id that was given once stays valid.
 */
import type { Sql } from 'postgres';
import { RowId } from '#contract/sync-log.ts';
import type { Fragment } from '../database/fragment.ts';

export interface SyncIdParts {
  organizationId: number;
  /** ISO 8601 UTC, whole seconds. */
  startedAt: string;
  /** Undefined: the first run of that second. */
  syncLogId: number | undefined;
}

/** PostgreSQL knows no year 0. */
const SYNC_ID = /^sync_(\d{1,10})_((?!0000)\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})(?:_(\d{1,10}))?$/;

/** @returns undefined when the text has another form, or names a moment that does not exist */
export function parseSyncId(text: string): SyncIdParts | undefined {
  const match = SYNC_ID.exec(text);
  if (match === null) return undefined;
  const [, organization, year, month, day, hour, minute, second, log] = match;
  const startedAt = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const organizationId = RowId.safeParse(Number(organization));
  const syncLogId = log === undefined ? undefined : RowId.safeParse(Number(log));
  if (!organizationId.success || syncLogId?.success === false || !isMoment(startedAt)) return undefined;
  return { organizationId: organizationId.data, startedAt, syncLogId: syncLogId?.data };
}

/** `Date.parse` accepts the 31st of June and moves it to July. */
function isMoment(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, -1));
}

/** @param startedAt as a SyncLog has it: ISO 8601 UTC */
export function formatSyncId(organizationId: number, startedAt: string, suffix?: number): string {
  const [day = '', time = ''] = startedAt.slice(0, 19).split('T');
  const id = `sync_${organizationId}_${day.replaceAll('-', '')}_${time.replaceAll(':', '')}`;
  return suffix === undefined ? id : `${id}_${suffix}`;
}

/**
 * Whether a row of `sync_logs` started in the second of this time. Starts that ISO 8601 cannot write count as its first or last second,
 * as in the rendered log (events/render.ts).
 */
const startedInSecondOf = (sql: Sql, row: string, time: Fragment) => sql`
  ${sql(row)}.started_at between
    case when ${time} < '0001-01-01 00:00:01' then '-infinity' else date_trunc('second', least(${time}, '9999-12-31 23:59:59')) end
    and case when ${time} >= '9999-12-31 23:59:59' then 'infinity'
      else date_trunc('second', greatest(${time}, '0001-01-01')) + interval '999999 microseconds' end`;

/** @returns the id of the log that a sync id names; undefined when there is none */
export async function findSyncLogId(sql: Sql, id: SyncIdParts): Promise<number | undefined> {
  const start = sql`(${id.startedAt}::timestamptz at time zone 'utc')`;
  const [row] = await sql<{ id: number }[]>`
    select id from sync_logs
    where organization_id = ${id.organizationId} and ${startedInSecondOf(sql, 'sync_logs', start)}
      and (${id.syncLogId ?? null}::int is null or id = ${id.syncLogId ?? null})
    order by id limit 1`;
  return row?.id;
}

/** @returns those of the given logs before which another run of the same organization started in the same second */
export async function findSecondsTaken(sql: Sql, syncLogIds: readonly number[]): Promise<Set<number>> {
  if (syncLogIds.length === 0) return new Set();
  const rows = await sql<{ id: number }[]>`
    select log.id from sync_logs as log
    where log.id = any(${syncLogIds as number[]}::int[]) and exists (
      select 1 from sync_logs as other
      where other.organization_id = log.organization_id and other.id < log.id
        and ${startedInSecondOf(sql, 'other', sql`log.started_at`)})`;
  return new Set(rows.map((row) => row.id));
}
