/**
 * Reads the event log: every change of an organization's `sync_logs`, in order and without gaps.
 *
 * Each function runs one statement, so its result is consistent. Functions of the database
 * (drizzle/) write the log; render.ts renders the rows.
 *
 * Not here: delivery to clients (live/hub.ts).
 */
import type { ISql, Sql } from 'postgres';
import type { RunStart } from '#contract/run-order.ts';
import type { Fragment } from '../database/fragment.ts';
import { isoTime } from '../database/iso-time.ts';
import { renderEnvelope, renderSyncLog } from './render.ts';
import { type RunRowIfAny, renderRun, runColumns } from './run-row.ts';

export interface LoggedEvent {
  organizationId: number;
  seq: number;
  type: string;
  /** ISO 8601 UTC. */
  at: string;
  /** The run of the event; null when the organization has no run left. */
  run: RunAt | null;
  /** The envelope, identical for every client. */
  json: string;
}

/** A run in one state. */
export interface RunAt extends RunStart {
  /** The rendered sync log. */
  log: string;
}

export interface Position {
  organizationId: number;
  seq: number;
}

/** The database holds another history than the requested one, after a restore or a failover. */
export class HistoryLostError extends Error {
  override readonly name = 'HistoryLostError';
}

/** The state of an organization in one statement. */
export interface StreamState {
  organizationId: number;
  epoch: string;
  /** `seq` of the newest change; 0 before the first. */
  head: number;
  /** The oldest `seq` that can be replayed; `head + 1` when none can. */
  oldest: number;
  latest: RunAt | null;
  /** Whether the organization has runs before the latest; undefined when unknown. */
  hasOlder?: boolean | undefined;
  /** When the state was read: ISO 8601 UTC. */
  at: string;
}

/** The part of the state that a snapshot shows. */
export type SnapshotState = Omit<StreamState, 'oldest' | 'hasOlder'>;

interface EventRow {
  epoch: string;
  organization_id: number;
  seq: string;
  type: string;
  at: string;
  sync_log_id: number | null;
  started_at: string | null;
  columns: string | null;
  metadata: string | null;
  row_seq: string | null;
  /** When the row changed, if not at this event; otherwise null. */
  row_at: string | null;
}

/**
 * The start of a run as text that compares as the time does: microseconds, always 20 digits. The text of PostgreSQL does not, because
 * other programs store any time: year 12026 would come before 2027.
 */
const comparableStart = (sql: ISql, time: Fragment) => sql`
  case when isfinite(${time}) then to_char(extract(epoch from ${time}) * 1000000 + 1e18, 'FM00000000000000000000')
    else ${time}::text end`;

const eventColumns = (sql: Sql) => sql`event.organization_id, event.seq, event.type,
  ${isoTime(sql, 'event.at')} as at, event.sync_log_id,
  ${comparableStart(sql, sql`(event.row ->> 'started_at')::timestamp`)} as started_at, (event.row - 'metadata')::text as columns,
  (event.row -> 'metadata')::text as metadata, event.row_seq,
  case when event.row_seq <> event.seq then (select ${isoTime(sql, 'changed.at')} from sync_events as changed
    where changed.organization_id = event.organization_id and changed.seq = event.row_seq) end as row_at`;

/**
 * The events after each position, in order, at most `limit` for each organization. `terminal`: only `completed` and `failed`.
 *
 * @throws HistoryLostError when the events belong to another epoch than `epoch`
 */
export async function readEventsAfter(
  sql: Sql,
  epoch: string,
  positions: readonly Position[],
  options: { limit: number; terminal?: boolean },
): Promise<LoggedEvent[]> {
  if (positions.length === 0) return [];
  const rows = await sql<EventRow[]>`
    select (select sync_epoch()) as epoch, ${eventColumns(sql)}
    from unnest(${positions.map((position) => position.organizationId)}::int[],
                ${positions.map((position) => position.seq)}::bigint[]) as position (organization_id, seq)
    cross join lateral (
      select * from sync_events
      where organization_id = position.organization_id and seq > position.seq
        ${options.terminal ? sql`and type in ('completed', 'failed')` : sql``}
      order by seq limit ${options.limit}
    ) as event
    order by event.organization_id, event.seq`;
  if (rows[0] !== undefined && rows[0].epoch !== epoch) {
    throw new HistoryLostError('These events belong to another history.');
  }
  return rows.map((row) => toEvent(row, epoch));
}

export interface TimelineEvent {
  seq: string;
  json: string;
  /** Whether this is the first event of its run. */
  created: boolean;
}

/** The next events of one run, in order. */
export async function readTimelinePart(
  sql: Sql,
  part: { organizationId: number; syncLogId: number; after: string; limit: number },
): Promise<TimelineEvent[]> {
  const rows = await sql<(EventRow & { created: boolean })[]>`
    select (select sync_epoch()) as epoch, event.created, ${eventColumns(sql)}
    from sync_events as event
    where event.sync_log_id = ${part.syncLogId} and event.organization_id = ${part.organizationId}
      and event.type <> 'snapshot' and event.seq > ${part.after}
    order by event.seq limit ${part.limit}`;
  return rows.map((row) => ({ seq: row.seq, created: row.created, json: toEvent(row, row.epoch).json }));
}

type StateRow = RunRowIfAny & {
  organization_id: number;
  epoch: string;
  at: string;
  head: string;
  oldest: string;
  log_id: number | null;
  started_at: string | null;
  has_older: boolean;
};

/** One state for each id, known or not, all read in one statement. */
export async function readStreamStates(sql: Sql, organizationIds: readonly number[]): Promise<StreamState[]> {
  const rows = await sql<StateRow[]>`
    select wanted.organization_id, (select sync_epoch()) as epoch, stream.head, log.id as log_id,
      ${isoTime(sql, sql`clock_timestamp()`)} as at,
      coalesce((select min(seq) from sync_events where organization_id = wanted.organization_id), stream.head + 1)
        as oldest,
      ${comparableStart(sql, sql`log.started_at`)} as started_at, ${runColumns(sql)},
      exists (select 1 from sync_logs where organization_id = wanted.organization_id
        order by started_at desc, id desc offset 1) as has_older
    from unnest(${organizationIds as number[]}::int[]) as wanted (organization_id)
    cross join lateral (
      select coalesce((select head from sync_streams where organization_id = wanted.organization_id), 0) as head
    ) as stream
    left join lateral (
      select id, organization_id, started_at, sync_log_row(run) as row from sync_logs as run
      where organization_id = wanted.organization_id
      order by started_at desc, id desc limit 1
    ) as log on true`;
  return rows.map((row) => ({
    organizationId: row.organization_id,
    epoch: row.epoch,
    head: Number(row.head),
    oldest: Number(row.oldest),
    at: row.at,
    latest: runOf(row.log_id, row.started_at, row.columns === null ? null : renderRun(row, row.epoch)),
    hasOlder: row.has_older,
  }));
}

function runOf(id: number | null, startedAt: string | null, log: string | null): RunAt | null {
  return id === null || startedAt === null || log === null ? null : { id, startedAt, log };
}

/** A `snapshot` envelope: the state of the organization at its head. */
export function renderSnapshot({ organizationId, epoch, head, at, latest }: SnapshotState): string {
  const log = latest?.log ?? 'null';
  return renderEnvelope(
    { type: 'snapshot', organizationId, syncLogId: latest?.id ?? null, seq: head, at, log },
    epoch,
  );
}

/** Ends an epoch whose history is lost, for all servers. Does nothing when that epoch has already ended. */
export async function endEpoch(sql: Sql, epoch: string): Promise<void> {
  await sql`select sync_epoch_renew(${epoch})`;
}

function toEvent(row: EventRow, epoch: string): LoggedEvent {
  const { organization_id: organizationId, type, at, sync_log_id: syncLogId } = row;
  const seq = Number(row.seq);
  // 0: the change is older than the stored history.
  const rowSeq = Number(row.row_seq) === 0 ? null : Number(row.row_seq);
  const change = { seq: rowSeq, at: rowSeq === seq ? at : row.row_at };
  const log = row.columns && renderSyncLog({ columns: row.columns, metadata: row.metadata }, epoch, change);
  const json = renderEnvelope({ type, organizationId, syncLogId, seq, at, log: log ?? 'null' }, epoch);
  return { organizationId, seq, type, at, run: runOf(syncLogId, row.started_at, log), json };
}
