/**
 * Ends `running` rows that nobody will ever end: those of other programs which have not changed for 15 minutes.
 *
 * Our own runs are not meant: they have a lease, and whoever claims it goes on. The trigger tells the clients.
 */
import type { ISql } from 'postgres';
import type { Database } from '../database/open.ts';
import { replayTransaction } from '../database/replay.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every } from '../timing/every.ts';
import { CancelledError, describeFailure } from './failure.ts';
import { endMarks } from './force-fail-run.ts';

const STALE_AFTER_MINUTES = 15;

const DETAILS = `The sync was interrupted: it had not changed for ${STALE_AFTER_MINUTES} minutes.`;
const REPORT = JSON.stringify({
  error_type: 'SYNC_INTERRUPTED',
  retry_recommended: true,
  step: 'failed',
  error: DETAILS,
});

/** Rows that one transaction ends. */
const LOGS_AT_ONCE = 500;

/** How long a dead program's row may stay `running` beyond its time. */
const LOOK_EVERY_MS = 30_000;

/** Looks again and again. @returns stops it */
export function watchForInterrupted(database: Database, logger: Logger): () => void {
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      await endInterruptedRuns(database).catch((error: unknown) =>
        logger.warn(safeError(error), 'Looking for interrupted runs failed; the next look tries again'),
      );
    },
  );
}

/** A portion at a time, each a transaction of its own. @returns how many rows were ended */
export async function endInterruptedRuns({ sql }: Database): Promise<number> {
  let ended = 0;
  for (let after = 0; ; ) {
    const portion = await replayTransaction(() => sql.begin((tx) => endPortion(tx, after)));
    ended += portion.ended;
    if (portion.last === undefined) return ended;
    after = portion.last;
  }
}

async function endPortion(tx: ISql, after: number): Promise<{ ended: number; last: number | undefined }> {
  // Whoever is being written lives. And only what is read once the rows are locked is true of them.
  const locked = await tx<{ id: number }[]>`
    select id from sync_logs as log where sync_status_word(status) = 'running' and id > ${after} and ${isForeign(tx)}
    order by id limit ${LOGS_AT_ONCE} for update skip locked`;
  const ids = locked.map((row) => row.id);
  return { ended: ids.length === 0 ? 0 : await endStale(tx, ids), last: ids.at(-1) };
}

/** No run of ours that is under way. */
const isForeign = (tx: ISql) => tx`
  not exists (select 1 from sync_runs where sync_log_id = log.id and ended_at is null)`;

async function endStale(tx: ISql, ids: readonly number[]): Promise<number> {
  const rows = await tx`
    update sync_logs as log set
      status = 'failed', error_details = ${DETAILS},
      completed_at = date_trunc('milliseconds', clock_timestamp() at time zone 'utc'),
      metadata = case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end || ${REPORT}::text::jsonb
        || ${endMarks(tx, DETAILS)}
    where id = any(${ids as number[]}::int[]) and sync_status_word(status) = 'running' and ${isForeign(tx)}
      and coalesce(
        (select max(at) from sync_events where sync_log_id = log.id and type <> 'snapshot'),
        -- Older than the history, as rows of the system being replaced are. A start that is still to come tells nothing.
        case when started_at < (now() at time zone 'utc') + interval '1 day' then started_at at time zone 'utc'
          else '-infinity' end
      ) < now() - make_interval(mins => ${STALE_AFTER_MINUTES})
    returning id`;
  return rows.length;
}

/**
 * Ends a `running` row of another program now, because a person asked for it.
 *
 * @returns false when it has ended, or is a run of ours: that one is cancelled instead
 */
export async function forceEndForeignRun({ sql }: Database, syncLogId: number): Promise<boolean> {
  const { error_details: details, ...report } = describeFailure(new CancelledError());
  const rows = await replayTransaction(() =>
    sql.begin(
      (tx) => tx`
    update sync_logs as log set
      status = 'failed', error_details = ${details},
      completed_at = date_trunc('milliseconds', clock_timestamp() at time zone 'utc'),
      metadata = case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end
        || ${JSON.stringify({ ...report, step: 'cancelled', error: details })}::text::jsonb || ${endMarks(tx, details)}
    where id = ${syncLogId} and sync_status_word(status) = 'running' and ${isForeign(tx)}
    returning id`,
    ),
  );
  return rows.length > 0;
}
