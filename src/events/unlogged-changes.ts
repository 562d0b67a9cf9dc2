/**
 * Finds changes of `sync_logs` that bypassed the triggers: rows written with `session_replication_role = replica`, or
 * restored with `--disable-triggers`.
 *
 * These changes have no event. So the table is compared with the log: the latest run with its newest event, and the newest
 * hundred rows with their earlier versions if nothing was logged since. All by indexes, and only for the given organizations.
 *
 * Not here: when to compare, and which organizations (live/unlogged-watch.ts).
 */
import type { Sql } from 'postgres';
import { eventIsOf } from './run-row.ts';

/** What one comparison of an organization stores for the next. */
export interface LogFingerprint {
  organizationId: number;
  head: number;
  /** The time of the newest event; null when there is none. */
  headAt: string | null;
  /** A hash of the newest rows; it changes with each write to one of them. */
  signature: string;
}

export interface FoundFingerprint extends LogFingerprint {
  epoch: string;
  /** The time of the event that is now at the previous fingerprint's `head`; null when retention deleted it. */
  headAtBefore: string | null;
  /** Whether the latest run differs from its newest event, or the run of the newest event is gone. */
  isUnlogged: boolean;
}

/** The maximum of one poll. */
const ROWS_COMPARED = 100;

/** @param before one for each organization; `head` 0 before its first comparison */
export async function readFingerprints(
  sql: Sql,
  before: readonly Pick<LogFingerprint, 'organizationId' | 'head'>[],
): Promise<FoundFingerprint[]> {
  const rows = await sql<(Omit<FoundFingerprint, 'head'> & { head: string })[]>`
    select wanted.organization_id as "organizationId", (select sync_epoch()) as epoch, stream.head,
      (select max(at)::text from sync_events
        where organization_id = wanted.organization_id and seq = stream.head) as "headAt",
      (select max(at)::text from sync_events
        where organization_id = wanted.organization_id and seq = wanted.head) as "headAtBefore",
      (select md5(coalesce(string_agg(id || ' ' || version, ',' order by started_at desc, id desc), ''))
        from (select id, started_at, xmin::text as version from sync_logs
          where organization_id = wanted.organization_id
          order by started_at desc, id desc limit ${ROWS_COMPARED}) as newest) as signature,
      coalesce(
        (select sync_log_row(log) is distinct from (
            select row from sync_events where sync_log_id = log.id and ${eventIsOf(sql, sql`log.organization_id`)}
            order by seq desc limit 1)
          from sync_logs as log where organization_id = wanted.organization_id
          order by started_at desc, id desc limit 1),
        -- No run is left: the newest event must say so.
        (select row is not null from sync_events
          where organization_id = wanted.organization_id and seq = stream.head limit 1),
        false)
        -- The newest event names a run that was deleted: a deletion with triggers appends an event after it.
        or exists (select from sync_events as newest
          where newest.organization_id = wanted.organization_id and newest.seq = stream.head
            and newest.sync_log_id is not null and not exists (select from sync_logs
              where id = newest.sync_log_id and organization_id = wanted.organization_id)) as "isUnlogged"
    from unnest(${before.map((one) => one.organizationId)}::int[], ${before.map((one) => one.head)}::bigint[])
      as wanted (organization_id, head)
    cross join lateral (
      select coalesce((select head from sync_streams where organization_id = wanted.organization_id), 0) as head
    ) as stream`;
  return rows.map((row) => ({ ...row, head: Number(row.head) }));
}

/** Appends a snapshot of the table's present state. Does nothing when an event was logged since `head`. */
export async function appendSnapshot(sql: Sql, { organizationId, head }: LogFingerprint): Promise<void> {
  await sql`select sync_streams_resnapshot(${organizationId}, ${head})`;
}
