/**
 * The scheduler: starts a sync when a clinic's schedule is due, and second attempts of scheduled runs.
 *
 * Every server polls; the row decides. A server that finds a due clinic locks its row, creates the run and advances the next
 * firing, in one transaction. So a firing creates one run however many servers poll, and no firing is lost with a server that
 * dies.
 *
 * One clinic never delays the others: an unreadable schedule is disabled and logged, one that another program holds is left for
 * later, and a failed start is logged and retried after a minute, then after longer.
 *
 * Neighbours: fire-schedule.ts (the transaction). Not here: when a schedule fires (organizations/schedule.ts).
 */
import type { Database } from '../../database/open.ts';
import { advanceSequences, isTakenRunId } from '../../database/sequences.ts';
import type { EventBus } from '../../events/event-bus.ts';
import { createFailureLog } from '../../logging/failure-log.ts';
import type { Logger } from '../../logging/logger.ts';
import { safeError } from '../../logging/safe-error.ts';
import { every } from '../../timing/every.ts';
import { PassedOver } from '../../timing/passed-over.ts';
import { type Fired, fireNext } from './fire-schedule.ts';
import { planDisabled } from './plan-disabled.ts';
import { releaseFromFuture } from './release-from-future.ts';
import { startNextAttempt } from './start-second-attempts.ts';

/** Jitter is added, so that servers do not poll in step. Each poll costs one read of a small index. */
const LOOK_EVERY_MS = 1_000;

/** How often schedules are looked for that rest because of a clock which was ahead, or of another server. */
const RELEASE_EVERY_MS = 60_000;

/** Organizations that one log line names. */
const NAMED_AT_MOST = 20;

/** Delay after a failed start. It doubles, up to 16 minutes. */
const TRY_AGAIN_MS = 60_000;

/** Delay of a start while another program holds the organization. It doubles, up to 160 s. */
const TRY_LOCKED_AGAIN_MS = 10_000;

export interface SchedulerDeps {
  database: Database;
  bus: EventBus;
  logger: Logger;
  /** Organizations whose start has failed. Kept between polls. */
  failed?: PassedOver;
  /** For tests. Default: the clock of the database. */
  now?: () => Date;
}

/** @returns a function that stops the scheduler */
export function startScheduler(deps: SchedulerDeps): () => void {
  const failed = new PassedOver();
  const onFailed = createFailureLog(deps.logger, 'Reading the schedules failed; the next check tries again');
  let releasedAt = Number.NEGATIVE_INFINITY;
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        if (performance.now() - releasedAt >= RELEASE_EVERY_MS) {
          releasedAt = performance.now();
          await releaseSchedules(deps);
        }
        await startDueSyncs({ ...deps, failed });
        await startDueAttempts({ ...deps, failed });
      } catch (error) {
        onFailed(error);
      }
    },
  );
}

async function releaseSchedules({ database, logger, now }: SchedulerDeps): Promise<void> {
  const released = await releaseFromFuture(database, now?.());
  reportPlanned(logger, released, 'The clock of the database was ahead');
  const enabled = await planDisabled(database, now?.());
  reportPlanned(logger, enabled, 'Another server could not read a schedule');
}

function reportPlanned(logger: Logger, ids: readonly number[], reason: string): void {
  if (ids.length === 0) return;
  const clinics = `${ids.length} ${ids.length === 1 ? 'organization' : 'organizations'}`;
  logger.warn(
    { organization_ids: ids.slice(0, NAMED_AT_MOST) },
    `${reason}: the schedules of ${clinics} are planned again`,
  );
}

/** @returns how many runs were created */
export async function startDueSyncs(deps: SchedulerDeps): Promise<number> {
  const { database, failed = new PassedOver(), now } = deps;
  for (let started = 0; ; ) {
    const fired = await fireNext(database, failed.ids(), now?.());
    if (fired === undefined) return started;
    if (fired.outcome === 'started') started += 1;
    await report(deps, failed, fired);
  }
}

async function report(deps: SchedulerDeps, failed: PassedOver, fired: Fired): Promise<void> {
  const { bus, logger } = deps;
  const { organizationId, outcome } = fired;
  if (outcome === 'started') {
    logger.info(`The schedule of organization ${organizationId} starts a sync (${fired.type})`);
    if (fired.disabled !== null) logDisabled(logger, organizationId, fired.disabled);
    bus.publish({ organizations: [organizationId], work: true });
  } else if (outcome === 'unreadable') {
    logDisabled(logger, organizationId, fired.reason);
  } else if (outcome === 'locked') {
    reportLocked(deps, failed, organizationId);
  } else if (outcome === 'failed') {
    await reportFailedStart(deps, failed, organizationId, fired.error);
  }
}

function reportLocked({ logger }: SchedulerDeps, failed: PassedOver, organizationId: number): void {
  const delayMs = failed.addAgain(organizationId, TRY_LOCKED_AGAIN_MS);
  logger.warn(
    { organization_id: organizationId },
    `A sync of organization ${organizationId} is due, but another program holds it in an open transaction; it is tried again in ${delayMs / 1_000} s`,
  );
}

async function reportFailedStart(
  { database, logger }: SchedulerDeps,
  failed: PassedOver,
  organizationId: number,
  error: unknown,
): Promise<void> {
  if (isTakenRunId(error)) {
    logger.warn('Rows of sync_logs were loaded with their ids: the sequence now continues after them');
    await advanceSequences(database.sql, ['sync_logs']);
    return;
  }
  const seconds = failed.addAgain(organizationId, TRY_AGAIN_MS) / 1_000;
  logger.error(
    { organization_id: organizationId, ...safeError(error) },
    `The scheduled sync of organization ${organizationId} could not be started; it is tried again in ${seconds} s`,
  );
}

/** @returns how many second attempts were started */
export async function startDueAttempts(deps: SchedulerDeps): Promise<number> {
  const { database, bus, logger, failed = new PassedOver(), now } = deps;
  for (let started = 0; ; ) {
    const attempt = await startNextAttempt(database, failed.ids(), now?.());
    if (attempt === undefined) return started;
    const { organizationId, retryOf, outcome } = attempt;
    if (outcome === 'started') {
      started += 1;
      logger.info(`Run ${retryOf} of organization ${organizationId} is tried again`);
      bus.publish({ organizations: [organizationId], work: true });
    } else if (outcome === 'locked') {
      reportLocked(deps, failed, organizationId);
    } else if (outcome === 'failed') {
      await reportFailedStart(deps, failed, organizationId, attempt.error);
    }
  }
}

function logDisabled(logger: Logger, organizationId: number, reason: string): void {
  logger.error(
    `The schedule of organization ${organizationId} is disabled: ${reason} Store it again: PUT /api/v1/organizations/${organizationId}.`,
  );
}
