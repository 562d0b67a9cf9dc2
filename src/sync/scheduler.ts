/**
 * The scheduler: starts a full sync when a clinic's schedule asks for one.
 *
 * Every server looks; the row decides. Whoever finds a clinic due locks its row, makes the run and moves the next firing on,
 * in one transaction: a firing makes one run however many servers look, and none is lost with a server that dies. A clinic
 * whose sync is under way already has what the firing wanted.
 *
 * One clinic never holds up the others: a schedule that cannot be read is disabled and named, and a start that fails is
 * logged and tried again in a minute.
 *
 * Not here: when a schedule fires (organizations/schedule.ts).
 */
import type { Schedule } from '#contract/organization.ts';
import type { Database } from '../database/open.ts';
import { advanceSequences, isTakenId } from '../database/sequences.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { nextFiring, scheduleError } from '../organizations/schedule.ts';
import { every } from '../timing/every.ts';
import { createRun } from './start-run.ts';

/** With a jitter, so that many servers do not look in step. Costs one read of a small index. */
const LOOK_EVERY_MS = 1_000;

/** After a start that failed. */
const TRY_AGAIN_MS = 60_000;

export interface SchedulerDeps {
  database: Database;
  bus: EventBus;
  logger: Logger;
  /** By organization: when a start that failed is tried again. Kept between looks. */
  failed?: Map<number, number>;
}

/** @returns stops it */
export function startScheduler(tools: SchedulerDeps): () => void {
  const failed = new Map<number, number>();
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        await startDueSyncs({ ...tools, failed });
      } catch (error) {
        tools.logger.warn(safeError(error), 'Looking at the schedules failed; the next look tries again');
      }
    },
  );
}

/** @returns how many runs were made */
export async function startDueSyncs(tools: SchedulerDeps): Promise<number> {
  const { database, bus, logger, failed = new Map<number, number>() } = tools;
  for (let started = 0; ; ) {
    const fired = await fireNext(database, stillFailed(failed));
    if (fired === undefined) return started;
    const { organizationId } = fired;
    if (fired.outcome === 'unreadable') {
      logger.error(
        `The schedule of organization ${organizationId} is disabled: ${fired.reason} Store it again: PUT /api/v1/organizations/${organizationId}.`,
      );
    } else if (fired.outcome === 'failed' && isTakenId(fired.error, 'sync_logs')) {
      logger.warn('Rows of sync_logs were loaded with their ids: the sequence is set behind them');
      await advanceSequences(database.sql, ['sync_logs']);
    } else if (fired.outcome === 'failed') {
      failed.set(organizationId, Date.now() + TRY_AGAIN_MS);
      logger.error(
        { organization_id: organizationId, ...safeError(fired.error) },
        `The scheduled sync of organization ${organizationId} could not be started; it is tried again in a minute`,
      );
    } else if (fired.outcome === 'started') {
      started += 1;
      logger.info(`The schedule of organization ${organizationId} starts a sync`);
      bus.publish({ organizations: [organizationId], work: true });
    }
  }
}

function stillFailed(failed: Map<number, number>): number[] {
  for (const [id, until] of failed) if (until <= Date.now()) failed.delete(id);
  return [...failed.keys()];
}

type Fired = { organizationId: number } & (
  | { outcome: 'started' | 'already-running' }
  | { outcome: 'unreadable'; reason: string }
  | { outcome: 'failed'; error: unknown }
);

/** @returns undefined when no clinic is due */
async function fireNext({ sql }: Database, passedOver: readonly number[]): Promise<Fired | undefined> {
  return await sql.begin(async (tx): Promise<Fired | undefined> => {
    const [due] = await tx<{ id: number; schedule: Schedule; now: string }[]>`
      select id, schedule, clock_timestamp() as now from organizations
      where next_sync_at <= clock_timestamp() and id <> all(${passedOver as number[]}::int[])
      order by next_sync_at limit 1 for update skip locked`;
    if (due === undefined) return undefined;
    const { id: organizationId, schedule } = due;
    const reason = scheduleError(schedule);
    const next = reason === null ? nextFiring(schedule, new Date(due.now), Math.random()) : null;
    await tx`update organizations set next_sync_at = ${next?.toISOString() ?? null}::timestamptz
      where id = ${organizationId}`;
    if (reason !== null) return { organizationId, outcome: 'unreadable', reason };
    try {
      const run = await tx.savepoint((inner) =>
        createRun(inner, organizationId, 'full_patients', { kind: 'schedule', schedule: schedule.cron }),
      );
      return { organizationId, outcome: run === undefined ? 'already-running' : 'started' };
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      // The firing stays due: a start that failed is no start.
      await tx`update organizations set next_sync_at = clock_timestamp() where id = ${organizationId}`;
      return { organizationId, outcome: 'failed', error };
    }
  });
}
