/**
 * What did not happen: whether an organization is overdue, as SQL.
 *
 * Overdue is an organization with a schedule that is not paused, when
 * - a firing has been due for 15 minutes, which includes its random delay, and nothing started it; or
 * - a firing was missed because no server ran, until a sync succeeds that ends later; or
 * - its last success is older than twice its longest interval. Without a success, the schedule's age counts.
 *
 * The overview, the metrics and the webhooks use the same fragments, so they never differ.
 */
import type { ISql } from 'postgres';
import { isOfPresent } from './erased-runs.ts';
import { isEverythingPaused } from './pause.ts';

const LATE = '15 minutes';

/** For a schedule that a server of the previous version stored: most fire once a day. */
const USUAL_INTERVAL_S = 86_400;

/**
 * The time of the last success of `organization`; a lateral join with the name `success`. A time more than a day ahead was
 * written by a clock that was wrong, and says nothing.
 */
export const lastSuccess = (sql: ISql) => sql`
  left join lateral (
    select coalesce(completed_at, started_at) at time zone 'utc' as at from sync_logs
    where organization_id = organization.id and sync_status_word(status) = 'completed'
      and coalesce(completed_at, started_at) < (now() at time zone 'utc') + interval '1 day'
      and ${isOfPresent(sql, sql`organization.id`, sql`coalesce(completed_at, started_at)`)}
    order by coalesce(completed_at, started_at) desc limit 1) as success on true`;

/** Of an organization with a schedule: since when it has had no success. */
const staleSince = (sql: ISql) =>
  sql`coalesce(success.at, organization.scheduled_since, organization.created_at)`;

/** Whether the schedules of `organization` fire, apart from a pause of everything. */
const isScheduled = (sql: ISql) => sql`
  (organization.schedule is not null and jsonb_typeof(organization.schedule) <> 'null'
    and organization.schedule <> '[]' and organization.paused_at is null)`;

/** Needs `lastSuccess` in the same statement. Does not know of a pause of everything. */
export const isOverdue = (sql: ISql) => sql`
  coalesce(${isScheduled(sql)} and (
    organization.next_sync_at < clock_timestamp() - ${LATE}::interval
    or organization.missed_at > coalesce(success.at, '-infinity')
    or ${staleSince(sql)} < clock_timestamp()
      - 2 * make_interval(secs => coalesce(organization.longest_interval_s, ${USUAL_INTERVAL_S}))), false)`;

export interface Freshness {
  /** Organizations that are overdue. */
  overdue: number;
  /** Of the scheduled organization whose last success is oldest; 0 when no organization is scheduled. */
  oldestSuccessSeconds: number;
}

/** While everything is paused, nothing is overdue. */
export async function readFreshness(sql: ISql): Promise<Freshness> {
  const [row] = await sql<{ overdue: number; oldest: number }[]>`
    select count(*) filter (where ${isOverdue(sql)})::int as overdue,
      greatest(0, coalesce(extract(epoch from clock_timestamp() - min(${staleSince(sql)})), 0))::float8 as oldest
    from organizations as organization ${lastSuccess(sql)}
    where ${isScheduled(sql)} and not ${isEverythingPaused(sql)}`;
  return { overdue: row?.overdue ?? 0, oldestSuccessSeconds: row?.oldest ?? 0 };
}
