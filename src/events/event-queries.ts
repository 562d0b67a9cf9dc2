/**
 * The event log as readers see it: every change of an organization's `sync_logs`, in order, none missing.
 *
 * Each function is one statement, so what it returns was true at one moment. It is written by the trigger alone
 * (drizzle/), and rendered by render.ts.
 *
 * Not here: who is told (live/hub.ts).
 */
import type { Sql } from 'postgres';
import { type LastChange, renderEnvelope, renderSyncLog } from './render.ts';

export interface LoggedEvent {
  organizationId: number;
  seq: number;
  type: string;
  /** ISO 8601 UTC. */
  at: string;
  /** The run it speaks of; null when the organization has none left. */
  run: RunAt | null;
  /** The envelope, as every client gets it. */
  json: string;
}

/** A run at one moment. The latest run of an organization is the one with the greatest `startedAt`, then `id`. */
export interface RunAt {
  id: number;
  startedAt: string;
  /** The rendered sync log. */
  log: string;
}

export interface Position {
  organizationId: number;
  seq: number;
}

/** The database holds another history than the one that was asked about: a restore, a failover. */
export class HistoryLostError extends Error {
  override readonly name = 'HistoryLostError';
}

/** Where an organization stands at one moment. */
export interface StreamState {
  organizationId: number;
  epoch: string;
  /** `seq` of the newest change; 0 before the first. */
  head: number;
  /** The oldest `seq` that can still be replayed; `head + 1` when none can. */
  oldest: number;
  latest: RunAt | null;
  /** Whether it has runs before the latest; undefined when that is not known. */
  hasOlder?: boolean | undefined;
  /** ISO 8601 UTC: the moment. */
  at: string;
}

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
  /** When the row changed; null: when this event happened. */
  row_at: string | null;
}

const eventColumns = (sql: Sql) => sql`event.organization_id, event.seq, event.type,
  to_char(event.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, event.sync_log_id,
  (event.row ->> 'started_at')::timestamp::text as started_at, (event.row - 'metadata')::text as columns,
  (event.row -> 'metadata')::text as metadata, event.row_seq,
  case when event.row_seq <> event.seq then (select ${isoTime(sql)} from sync_events as changed
    where changed.organization_id = event.organization_id and changed.seq = event.row_seq) end as row_at`;

/** Of an event that is called `changed`. */
const isoTime = (sql: Sql) => sql`to_char(changed.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * What happened after each position, at most `limit` events of each organization, in order; `terminal`: only ends of runs.
 *
 * @throws HistoryLostError when the events are of another epoch than `epoch`
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

/** All events of one run that the history still has. `trimmed` when it no longer has the first. */
export async function readTimeline(
  sql: Sql,
  organizationId: number,
  syncLogId: number,
): Promise<{ events: string[]; trimmed: boolean }> {
  const all = await readTimelinePart(sql, { organizationId, syncLogId, after: '0', limit: null });
  return { events: all.map(({ json }) => json), trimmed: all[0]?.created !== true };
}

export interface TimelineEvent {
  seq: string;
  json: string;
  /** It is the first of its run. */
  created: boolean;
}

/** The next events of one run, in order. @param part `limit` null: all that follow */
export async function readTimelinePart(
  sql: Sql,
  part: { organizationId: number; syncLogId: number; after: string; limit: number | null },
): Promise<TimelineEvent[]> {
  const rows = await sql<(EventRow & { created: boolean })[]>`
    select (select sync_epoch()) as epoch, event.created, ${eventColumns(sql)}
    from sync_events as event
    where event.sync_log_id = ${part.syncLogId} and event.organization_id = ${part.organizationId}
      and event.type <> 'snapshot' and event.seq > ${part.after}
    order by event.seq limit ${part.limit}`;
  return rows.map((row) => ({ seq: row.seq, created: row.created, json: toEvent(row, row.epoch).json }));
}

interface StateRow {
  organization_id: number;
  epoch: string;
  at: string;
  head: string;
  oldest: string;
  log_id: number | null;
  started_at: string | null;
  columns: string | null;
  metadata: string | null;
  change: LastChangeRow | null;
  has_older: boolean;
}

/** One state for each id, known or not, all of the same moment. */
export async function readStreamStates(sql: Sql, organizationIds: readonly number[]): Promise<StreamState[]> {
  const rows = await sql<StateRow[]>`
    select wanted.organization_id, (select sync_epoch()) as epoch, stream.head, log.id as log_id,
      to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
      coalesce((select min(seq) from sync_events where organization_id = wanted.organization_id), stream.head + 1)
        as oldest,
      log.started_at::text as started_at, (log.row - 'metadata')::text as columns,
      (log.row -> 'metadata')::text as metadata, ${lastChangeOf(sql)} as change,
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
    latest: runOf(
      row.log_id,
      row.started_at,
      row.columns &&
        renderSyncLog({ columns: row.columns, metadata: row.metadata }, row.epoch, toLastChange(row.change)),
    ),
    hasOlder: row.has_older,
  }));
}

function runOf(id: number | null, startedAt: string | null, log: string | null): RunAt | null {
  return id === null || startedAt === null || log === null ? null : { id, startedAt, log };
}

/** A `snapshot` envelope: where the organization stands at `seq`. */
export function renderSnapshot(
  epoch: string,
  state: { organizationId: number; seq: number; at: string; latest: RunAt | null },
): string {
  const { organizationId, seq, at, latest } = state;
  const log = latest?.log ?? 'null';
  return renderEnvelope(
    { type: 'snapshot', organizationId, syncLogId: latest?.id ?? null, seq, at, log },
    epoch,
  );
}

export interface Heads {
  epoch: string;
  /** Bytes of the database's own log that are safe on disk. They only ever grow, unless the database went back in time. */
  flushed: bigint;
  /** Every organization that is registered or has ever had a change. */
  positions: Position[];
}

export async function readHeads(sql: Sql): Promise<Heads> {
  const rows = await sql<{ epoch: string; flushed: string; organization_id: number | null; head: string }[]>`
    select always.epoch, always.flushed, known.organization_id, known.head
    from (
      select sync_epoch() as epoch, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as flushed
    ) as always
    left join (
      select organization_id, coalesce(head, 0) as head
      from (select id as organization_id from organizations) as registered
      full join sync_streams using (organization_id)
    ) as known on true
    order by known.organization_id`;
  const positions = rows.flatMap((row) =>
    row.organization_id === null ? [] : [{ organizationId: row.organization_id, seq: Number(row.head) }],
  );
  return { epoch: rows[0]?.epoch ?? '', flushed: BigInt(rows[0]?.flushed ?? 0), positions };
}

/** Ends an epoch whose history is lost, for every server. Does nothing when that has been done already. */
export async function endEpoch(sql: Sql, epoch: string): Promise<void> {
  await sql`select sync_era_begin(${epoch})`;
}

type LastChangeRow = [seq: number, at: string];

/** A row's own last change, for a statement in which `log` has `id` and `organization_id` of one. */
export const lastChangeOf = (sql: Sql) => sql`(select json_build_array(changed.seq, ${isoTime(sql)})
  from sync_events as changed
  where sync_log_id = log.id and organization_id = log.organization_id and type <> 'snapshot'
  order by changed.seq desc limit 1)`;

export function toLastChange(change: LastChangeRow | null): LastChange {
  return change === null ? { seq: null, at: null } : { seq: change[0], at: change[1] };
}

function toEvent(row: EventRow, epoch: string): LoggedEvent {
  const { organization_id: organizationId, type, at, sync_log_id: syncLogId } = row;
  const seq = Number(row.seq);
  // 0 stands for a change that is older than the history.
  const rowSeq = Number(row.row_seq) === 0 ? null : Number(row.row_seq);
  const change = { seq: rowSeq, at: rowSeq === seq ? at : row.row_at };
  const log = row.columns && renderSyncLog({ columns: row.columns, metadata: row.metadata }, epoch, change);
  const json = renderEnvelope({ type, organizationId, syncLogId, seq, at, log: log ?? 'null' }, epoch);
  return { organizationId, seq, type, at, run: runOf(syncLogId, row.started_at, log), json };
}
