/**
 * Ends abandoned `running` rows: rows of other programs that have not changed for 15 minutes.
 *
 * Our own runs are excluded: they have a lease, and the next worker that claims it continues. The trigger on `sync_logs`
 * notifies the clients.
 */
import type { ISql } from 'postgres';
import type { Database } from '../database/open.ts';
import { retryTransaction } from '../database/retry-transaction.ts';
import { freeStreams } from '../events/free-streams.ts';
import { lastChangeTimeOf } from '../events/run-row.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every } from '../timing/every.ts';
import { CancelledError, describeFailure } from './failure.ts';
import { endMarks, metadataObject } from './force-fail-run.ts';
import { endTime } from './sync-log-row.ts';

const STALE_AFTER_MINUTES = 15;

const DETAILS = `The sync was interrupted: it had not changed for ${STALE_AFTER_MINUTES} minutes.`;
const REPORT = { error_type: 'SYNC_INTERRUPTED', retry_recommended: true, step: 'failed', error: DETAILS };

/** Rows per transaction. */
const LOGS_AT_ONCE = 500;

/** A stale row stays `running` for at most about this much longer. */
const LOOK_EVERY_MS = 30_000;

/**
 * Rows whose last change lies in the future: it was written while the database's clock was ahead, so their age is unknown.
 * They count from when this process first saw them, by a clock that is not set back.
 */
export type FutureChanges = Map<number, { changedAt: string; seenAt: number }>;

/** Checks periodically. @returns a function that stops the checks */
export function watchForInterrupted(database: Database, logger: Logger): () => void {
  const future: FutureChanges = new Map();
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      await endInterruptedRuns(database, future).catch((error: unknown) =>
        logger.warn(safeError(error), 'Searching for interrupted runs failed; the next check tries again'),
      );
    },
  );
}

/**
 * Works in portions, each in its own transaction.
 *
 * @param future kept between calls
 * @returns how many rows were ended
 */
export async function endInterruptedRuns(
  { sql }: Database,
  future: FutureChanges = new Map(),
  now = performance.now(),
): Promise<number> {
  const unchanged = await observeFuture(sql, future, now);
  let ended = 0;
  for (let after = 0; ; ) {
    const portion = await retryTransaction(() => sql.begin((tx) => endPortion(tx, after, unchanged)));
    ended += portion.ended;
    if (portion.last === undefined) return ended;
    after = portion.last;
  }
}

/** @returns the rows of `future` that have not changed for as long as a row may */
async function observeFuture(sql: ISql, future: FutureChanges, now: number): Promise<Unchanged> {
  const rows = await sql<{ id: number; changedAt: string }[]>`
    select id, ${lastChange(sql)}::text as "changedAt" from sync_logs as log
    where sync_status_word(status) = 'running' and ${isForeign(sql)} and ${lastChange(sql)} > now()`;
  const found = new Map(rows.map(({ id, changedAt }) => [id, changedAt]));
  for (const [id, { changedAt }] of future) if (found.get(id) !== changedAt) future.delete(id);
  for (const [id, changedAt] of found) if (!future.has(id)) future.set(id, { changedAt, seenAt: now });
  const stale = [...future].filter(([, { seenAt }]) => now - seenAt >= STALE_AFTER_MINUTES * 60_000);
  return { ids: stale.map(([id]) => id), changedAt: stale.map(([, { changedAt }]) => changedAt) };
}

interface Unchanged {
  ids: number[];
  changedAt: string[];
}

/** The last change of the row `log`. */
const lastChange = (sql: ISql) => sql`
  coalesce(
    ${lastChangeTimeOf(sql)},
    -- Rows of the replaced system are older than the event log: their start counts. A start in the future says nothing.
    case when started_at < (now() at time zone 'utc') + interval '1 day' then started_at at time zone 'utc'
      else '-infinity' end)`;

async function endPortion(
  tx: ISql,
  after: number,
  unchanged: Unchanged,
): Promise<{ ended: number; last: number | undefined }> {
  // A locked row is being written, so its run is alive: it is skipped. The age is checked once the rows are locked.
  const locked = await tx<RunningRow[]>`
    select id, organization_id from sync_logs as log
    where sync_status_word(status) = 'running' and id > ${after} and ${isForeign(tx)}
    order by id limit ${LOGS_AT_ONCE} for update skip locked`;
  const ids = await withoutHeldStreams(tx, locked);
  return { ended: ids.length === 0 ? 0 : await endStale(tx, ids, unchanged), last: locked.at(-1)?.id };
}

interface RunningRow {
  id: number;
  organization_id: number;
}

/** Another program that is writing other rows of an organization delays only the rows of that organization. */
async function withoutHeldStreams(tx: ISql, rows: readonly RunningRow[]): Promise<number[]> {
  const organizations = rows.map((row) => row.organization_id);
  const wanted = tx`select unnest(${organizations}::int[])`;
  const found = await tx<{ id: number }[]>`
    with free as (${freeStreams(tx, wanted)})
    select stream.organization_id as id from sync_streams as stream left join free using (organization_id)
    where stream.organization_id in (${wanted}) and free.organization_id is null`;
  const held = new Set(found.map(({ id }) => id));
  return rows.filter((row) => !held.has(row.organization_id)).map(({ id }) => id);
}

/** The row does not belong to an open run of ours. */
const isForeign = (tx: ISql) => tx`
  not exists (select 1 from sync_runs where sync_log_id = log.id and ended_at is null)`;

/** The columns of the row `log` as it ends. */
const failedColumns = (tx: ISql, report: { error: string }) => tx`
  status = 'failed', error_details = ${report.error},
  completed_at = ${endTime(tx)},
  metadata = ${metadataObject(tx)} || ${JSON.stringify(report)}::text::jsonb || ${endMarks(tx, report.error)}`;

/** @param ids locked rows, which no other program can change now */
async function endStale(tx: ISql, ids: readonly number[], unchanged: Unchanged): Promise<number> {
  const rows = await tx`
    update sync_logs as log set ${failedColumns(tx, REPORT)}
    where id = any(${ids as number[]}::int[])
      and (${lastChange(tx)} < now() - make_interval(mins => ${STALE_AFTER_MINUTES})
        or (id, ${lastChange(tx)}) in (
          select * from unnest(${unchanged.ids}::int[], ${unchanged.changedAt}::text[]::timestamptz[])))
    returning id`;
  return rows.length;
}

/**
 * Ends a `running` row of another program now, because a person requested it.
 *
 * @returns false when the row has ended, or belongs to a run of ours (cancel-run.ts ends those)
 */
export async function forceEndForeignRun({ sql }: Database, syncLogId: number): Promise<boolean> {
  const { error_details: error, ...failure } = describeFailure(new CancelledError());
  const report = { ...failure, step: 'cancelled', error };
  const rows = await retryTransaction(() =>
    sql.begin(
      (tx) => tx`
    update sync_logs as log set ${failedColumns(tx, report)}
    where id = ${syncLogId} and sync_status_word(status) = 'running' and ${isForeign(tx)}
    returning id`,
    ),
  );
  return rows.length > 0;
}
