/**
 * What only the database knows: the number and age of runs, how full the notification queue is, what is pending.
 *
 * Two statements a scrape, and at most once a second for all scrapes. Every server reports the same values, so alerts take
 * the maximum, not the sum.
 */
import type { Sql } from 'postgres';
import { lastChangeTimeOf } from '../events/run-row.ts';
import { type Freshness, readFreshness } from '../organizations/overdue.ts';
import { withTimeout } from '../timing/with-timeout.ts';

export interface DatabaseStats {
  /** Waits for a worker, has one, has one whose lease has expired, or belongs to another program. */
  runs: Record<'queued' | 'working' | 'abandoned' | 'foreign', number>;
  /** Since the start of the run that started first; 0 when none runs. */
  oldestRunSeconds: number;
  /** Since the last change of the running row that has been silent for longest; 0 when none runs. */
  longestSilenceSeconds: number;
  /** 0 to 1: beyond it, commits that notify fail. */
  notificationQueueUsage: number;
  quarantined: number;
  webhooksPending: number;
  oldestWebhookSeconds: number;
  /** What did not happen, of all organizations. */
  freshness: Freshness;
}

type Row = DatabaseStats['runs'] & Omit<DatabaseStats, 'runs' | 'freshness'>;

const FRESH_FOR_MS = 1_000;

/** A scrape has some seconds. A database that does not answer by then counts as unavailable. */
const LIMIT_MS = 3_000;

/** @returns reads it; undefined when the database does not answer in time */
export function createDatabaseStatsReader(sql: Sql): () => Promise<DatabaseStats | undefined> {
  let reading: Promise<DatabaseStats | undefined> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (reading !== undefined && performance.now() - readAt < FRESH_FOR_MS) return reading;
    readAt = performance.now();
    reading = withTimeout(LIMIT_MS, readDatabaseStats(sql), () => undefined).catch(() => undefined);
    return reading;
  };
}

async function readDatabaseStats(sql: Sql): Promise<DatabaseStats> {
  const [row, freshness] = await Promise.all([readRow(sql), readFreshness(sql)]);
  const { queued, working, abandoned, foreign, ...figures } = row;
  return { runs: { queued, working, abandoned, foreign }, ...figures, freshness };
}

async function readRow(sql: Sql): Promise<Row> {
  const [row] = await sql<Row[]>`
    with running as (
      select log.id, log.started_at at time zone 'utc' as started_at, run.owner, run.lease_expires_at,
        run.sync_log_id is not null as ours,
        coalesce(${lastChangeTimeOf(sql)}, log.started_at at time zone 'utc') as changed_at
      from sync_logs as log left join sync_runs as run on run.sync_log_id = log.id and run.ended_at is null
      where sync_status_word(log.status) = 'running')
    select count(*) filter (where ours and owner is null)::int as queued,
      count(*) filter (where ours and owner is not null and lease_expires_at >= clock_timestamp())::int as working,
      count(*) filter (where ours and owner is not null and lease_expires_at < clock_timestamp())::int as abandoned,
      count(*) filter (where not ours)::int as foreign,
      greatest(0, coalesce(extract(epoch from clock_timestamp() - min(started_at)), 0))::float8 as "oldestRunSeconds",
      greatest(0, coalesce(extract(epoch from clock_timestamp() - min(changed_at)), 0))::float8 as "longestSilenceSeconds",
      pg_notification_queue_usage() as "notificationQueueUsage",
      (select count(*)::int from quarantine) as quarantined,
      (select count(*)::int from webhook_deliveries where state = 'pending') as "webhooksPending",
      (select greatest(0, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0))::float8
        from webhook_deliveries where state = 'pending') as "oldestWebhookSeconds"
    from running`;
  if (row === undefined) throw new Error('A statement that always returns one row returned none.');
  return row;
}
