/**
 * Reads the overview: one row for each organization.
 *
 * Every figure of a row comes from an index, and a page computes only its own organizations, so the cost grows with the rows of the
 * page, not with the number of organizations or runs. A filter by state computes portions of them until the page is full
 * (docs/decisions/0114-overview-from-indexes.md has measurements).
 *
 * Not here: what overdue means (organizations/overdue.ts).
 */
import type { ISql } from 'postgres';
import type { OverviewRow, OverviewState } from '#contract/overview.ts';
import { isoTime } from '../database/iso-time.ts';
import { lastChangeOf, type RunRowIfAny, renderRun } from '../events/run-row.ts';
import type { GrantedOrganizations } from '../http/principal.ts';
import { isOfPresent } from '../organizations/erased-runs.ts';
import { isOverdue, lastSuccess } from '../organizations/overdue.ts';

export interface OverviewFilter {
  organizations: GrantedOrganizations;
  /** Empty: all. */
  states: readonly OverviewState[];
  /** Only organizations with a greater id. */
  after: number;
  /** 1 to 1000. */
  limit: number;
  /** Everything is paused. */
  isPaused: boolean;
}

export interface OverviewPage {
  rows: RenderedRow[];
  /** How many of them are overdue, whatever their state. */
  overdue: number;
  /** For the next page; null at the end. */
  next: number | null;
}

export interface RenderedRow extends Omit<OverviewRow, 'latest'> {
  /** JSON text: the rendered sync log; null when there is none. */
  latest: string | null;
}

type Row = Omit<RenderedRow, 'latest'> & RunRowIfAny & { is_overdue: boolean; epoch: string };

/** Organizations whose states one statement computes, when a filter may leave out most of them. */
const PORTION = 2_000;

export async function readOverview(sql: ISql, filter: OverviewFilter): Promise<OverviewPage> {
  const { states, limit } = filter;
  const rows: Row[] = [];
  for (const portion of await portionsOf(sql, filter)) {
    rows.push(...(await readPortion(sql, portion, states, limit + 1 - rows.length)));
    if (rows.length > limit) break;
  }
  const shown = rows.slice(0, limit);
  return {
    rows: shown.map(render),
    overdue: shown.filter((row) => row.is_overdue).length,
    next: rows.length > limit ? (shown.at(-1)?.organization_id ?? null) : null,
  };
}

/** Without a filter exactly the organizations of the page; with one, as many portions as fill it. */
async function portionsOf(sql: ISql, filter: OverviewFilter): Promise<Portion[]> {
  const { organizations, after, isPaused, states, limit } = filter;
  if (states.length === 0) return [{ organizations, after, isPaused, atMost: limit + 1 }];
  const ends = await sql<{ id: number }[]>`
    select id from (
      select id, row_number() over (order by id) as place from organizations as organization
      where ${isMeant(sql, { organizations, after })}) as numbered
    where place % ${PORTION} = 0 order by id`;
  const starts = [after, ...ends.map(({ id }) => id)];
  return starts.map((start) => ({ organizations, after: start, isPaused, atMost: PORTION }));
}

function readPortion(sql: ISql, portion: Portion, states: readonly OverviewState[], limit: number) {
  return sql<Row[]>`
    select page.*, sync_epoch() as epoch, (newest.row - 'metadata')::text as columns,
      (newest.row -> 'metadata')::text as metadata, newest.change
    from (
      select * from (${organizationStates(sql, portion)}) as organization
      ${states.length === 0 ? sql`` : sql`where state = any(${states as string[]}::text[])`}
      order by organization_id limit ${limit}) as page
    left join lateral (
      select sync_log_row(log) as row, ${lastChangeOf(sql)} as change from sync_logs as log
      where log.id = page.latest_id) as newest on true
    order by organization_id`;
}

export interface Portion extends Pick<OverviewFilter, 'organizations' | 'after' | 'isPaused'> {
  /** Organizations, in the order of their ids; null: all. */
  atMost: number | null;
}

const isMeant = (sql: ISql, { organizations, after }: Pick<OverviewFilter, 'organizations' | 'after'>) => sql`
  organization.id > ${after}
  ${organizations === '*' ? sql`` : sql`and organization.id = any(${[...organizations]}::int[])`}`;

/** The order of the cases is the precedence of the contract (contract/overview.ts). */
export const organizationStates = (sql: ISql, { isPaused, atMost, ...meant }: Portion) => sql`
  select organization.id as organization_id, organization.name, newest.id as latest_id,
    case
      when newest.is_running then case when newest.phase = 'queued' then 'queued' else 'running' end
      when ${isPaused} or organization.paused_at is not null then 'paused'
      when judged.has_failed then 'failed'
      when ${isOverdue(sql)} then 'overdue'
      when held.count > 0 then 'held'
      when judged.errors > 0 or quarantined.count > 0 then 'with_errors'
      when success.at is null then 'never'
      else 'ok'
    end as state,
    case when newest.is_running is not true and judged.has_failed then judged.cause end as cause,
    ${isoTime(sql, 'success.at')} as last_success_at,
    -- Another program can have written any time: year 1 is older than an integer of seconds, and infinity has no age.
    case when isfinite(success.at)
      then round(greatest(0, extract(epoch from clock_timestamp() - success.at)))::float8 end as last_success_age_s,
    case when not ${isPaused} and organization.paused_at is null
      then ${isoTime(sql, sql`least(organization.next_sync_at, organization.retry_at)`)} end as next_run_at,
    coalesce(judged.errors, 0) as errors, quarantined.count as quarantine, held.count as held,
    ${isPaused} or organization.paused_at is not null as paused,
    ${isoTime(sql, 'organization.paused_at')} as paused_at, organization.paused_reason,
    case when organization.paused_by = 'person' then organization.paused_by_name end as paused_by,
    not ${isPaused} and ${isOverdue(sql)} as is_overdue
  from (
    select * from organizations as organization where ${isMeant(sql, meant)} order by id limit ${atMost}::bigint
  ) as organization
  ${lastSuccess(sql)}
  left join lateral (
    select id, sync_status_word(status) = 'running' as is_running, metadata ->> 'phase' as phase from sync_logs
    where organization_id = organization.id order by started_at desc, id desc limit 1) as newest on true
  ${lastJudged(sql)}
  cross join lateral (
    select count(*)::int as count from quarantine where organization_id = organization.id) as quarantined
  cross join lateral (
    select count(*)::int as count from patients
    where organization_id = organization.id and held_since is not null) as held`;

/** The last run of `organization` that ended, apart from cancelled ones; a lateral join with the name `judged`. */
export const lastJudged = (sql: ISql) => sql`
  left join lateral (
    select id, operation_type as type, sync_status_word(status) = 'failed' as has_failed,
      coalesce(records_failed, 0) as errors,
      case when metadata ->> 'error_type' ~ '^[A-Z_]{1,64}$' then metadata ->> 'error_type' end as cause
    from sync_logs
    where organization_id = organization.id and sync_status_word(status) <> 'running'
      and lower(btrim(status) collate "C") <> 'cancelled' and metadata ->> 'error_type' is distinct from 'SYNC_CANCELLED'
      and ${isOfPresent(sql, sql`organization.id`, sql`started_at`)}
    order by started_at desc, id desc limit 1) as judged on true`;

function render(row: Row): RenderedRow {
  const latest = row.columns === null ? null : renderRun(row, row.epoch);
  const { organization_id, name, state, cause, last_success_at, last_success_age_s, next_run_at } = row;
  const { errors, quarantine, held, paused, paused_at, paused_reason, paused_by } = row;
  return {
    ...{ organization_id, name, state, cause, last_success_at, last_success_age_s, next_run_at },
    ...{ latest, errors, quarantine, held, paused, paused_at, paused_reason, paused_by },
  };
}
