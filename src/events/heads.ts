/**
 * Which organizations have events, and how many: all heads, or those that changed since another read.
 *
 * Not here: the events (event-queries.ts), when heads are compared (live/hub.ts).
 */
import type { Sql } from 'postgres';
import type { Position } from './event-queries.ts';

export interface Heads {
  epoch: string;
  /** WAL bytes flushed to disk. The number only grows, unless the database was restored to an earlier state. */
  flushed: bigint;
  /** Transactions before this one had ended: pass it to the next read, which then returns what changed after it. */
  horizon: string;
  /** Every organization with an event stream, or those whose head has changed. */
  positions: Position[];
}

/**
 * The heads of all organizations, or of those that changed.
 *
 * A changed row was written by a transaction that had not ended at the read before, so its `xmin` is not below the horizon of that
 * read. Transaction numbers are compared by their age, in a circle of 2^32: a row that nothing has changed for 2^31 transactions may
 * appear as changed, which is harmless. PostgreSQL reads the whole table, so the comparison must be cheap: arithmetic with `xmin` as a
 * number takes four times as long.
 *
 * @param since the `horizon` of an earlier read of the same history
 */
export async function readHeads(sql: Sql, since?: string): Promise<Heads> {
  const changed = since === undefined ? sql`` : sql`where age(xmin) <= age(${since}::xid8::xid)`;
  const rows = await sql<
    { epoch: string; flushed: string; horizon: string; organization_id: number | null; head: string }[]
  >`
    select always.epoch, always.flushed, always.horizon, known.organization_id, known.head
    from (
      select sync_epoch() as epoch, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as flushed,
        pg_snapshot_xmin(pg_current_snapshot())::text as horizon
    ) as always
    left join (select organization_id, head from sync_streams ${changed}) as known on true`;
  const positions = rows.flatMap((row) =>
    row.organization_id === null ? [] : [{ organizationId: row.organization_id, seq: Number(row.head) }],
  );
  const [first] = rows;
  return {
    epoch: first?.epoch ?? '',
    flushed: BigInt(first?.flushed ?? 0),
    horizon: first?.horizon ?? '0',
    positions,
  };
}

/** How many of the newest rows of `sync_logs` decide which organizations come first. */
const NEWEST_ROWS = 2_000;

/**
 * Every organization that is registered or has an event stream; first those with a run in progress, then those with the newest
 * runs.
 */
export async function readOrganizations(sql: Sql): Promise<{ epoch: string; ids: number[] }> {
  const [row] = await sql<{ epoch: string; ids: number[] | null }[]>`
    with newest as (
      select organization_id as id, max(log_id) as log_id
      from (select organization_id, id as log_id from sync_logs order by id desc limit ${NEWEST_ROWS}) as logs
      group by 1
    ), running as (select distinct organization_id as id from sync_logs where status = 'running')
    select sync_epoch() as epoch, json_agg(id order by running.id is null, log_id desc nulls last, id) as ids
    from (select id from organizations union select organization_id from sync_streams) as known
    left join newest using (id) left join running using (id)`;
  return { epoch: row?.epoch ?? '', ids: row?.ids ?? [] };
}
