/**
 * The scheduler: starts a full sync when a clinic's schedule is due.
 *
 * Every server polls; the row decides. A server that finds a due clinic locks its row, creates the run and advances the next
 * firing, in one transaction. So a firing creates one run however many servers poll, and no firing is lost with a server that
 * dies. A clinic whose sync is already running needs no second run.
 *
 * One clinic never delays the others: an unreadable schedule is disabled and logged, and a failed start is logged and
 * retried after a minute.
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

/** Jitter is added, so that servers do not poll in step. Each poll costs one read of a small index. */
const LOOK_EVERY_MS = 1_000;

/** Delay after a failed start. */
const TRY_AGAIN_MS = 60_000;

export interface SchedulerDeps {
  database: Database;
  bus: EventBus;
  logger: Logger;
  /** By organization: when a failed start is retried, by `performance.now()`. Kept between polls. */
  failed?: Map<number, number>;
}

/** @returns a function that stops the scheduler */
export function startScheduler(deps: SchedulerDeps): () => void {
  const failed = new Map<number, number>();
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        await startDueSyncs({ ...deps, failed });
      } catch (error) {
        deps.logger.warn(safeError(error), 'Reading the schedules failed; the next check tries again');
      }
    },
  );
}

/** @returns how many runs were created */
export async function startDueSyncs(deps: SchedulerDeps): Promise<number> {
  const { database, bus, logger, failed = new Map<number, number>() } = deps;
  for (let started = 0; ; ) {
    const fired = await fireNext(database, stillFailed(failed));
    if (fired === undefined) return started;
    const { organizationId } = fired;
    if (fired.outcome === 'unreadable') {
      logger.error(
        `The schedule of organization ${organizationId} is disabled: ${fired.reason} Store it again: PUT /api/v1/organizations/${organizationId}.`,
      );
    } else if (fired.outcome === 'failed' && isTakenId(fired.error, 'sync_logs')) {
      logger.warn('Rows of sync_logs were loaded with their ids: the sequence now continues after them');
      await advanceSequences(database.sql, ['sync_logs']);
    } else if (fired.outcome === 'failed') {
      failed.set(organizationId, performance.now() + TRY_AGAIN_MS);
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
  for (const [id, until] of failed) if (until <= performance.now()) failed.delete(id);
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
      // The firing stays due after a failed start.
      await tx`update organizations set next_sync_at = clock_timestamp() where id = ${organizationId}`;
      return { organizationId, outcome: 'failed', error };
    }
  });
}
