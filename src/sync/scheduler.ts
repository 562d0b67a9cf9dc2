/**
 * The scheduler: starts a full sync when a clinic's schedule asks for one.
 *
 * Every server looks; the row decides. Whoever finds a clinic due locks its row, makes the run and moves the next firing on,
 * in one transaction: a firing makes one run however many servers look, and none is lost with a server that dies. A clinic
 * whose sync is under way already has what the firing wanted.
 *
 * Not here: when a schedule fires (organizations/schedule.ts).
 */
import type { Schedule } from '../contract/organization.ts';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/bus.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { nextFiring } from '../organizations/schedule.ts';
import { repeat } from './repeat.ts';
import { createRun } from './start.ts';

/** With a jitter, so that many servers do not look in step. Costs one read of a small index. */
const LOOK_EVERY_MS = 1_000;

export interface SchedulerTools {
  database: Database;
  bus: EventBus;
  logger: Logger;
}

/** @returns stops it */
export function startScheduler(tools: SchedulerTools): () => void {
  return repeat(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        await startDueSyncs(tools);
      } catch (error) {
        tools.logger.debug(safeError(error), 'Looking at the schedules failed; the next look tries again');
      }
    },
  );
}

/** @returns how many runs were made */
export async function startDueSyncs({ database, bus, logger }: SchedulerTools): Promise<number> {
  for (let started = 0; ; ) {
    const fired = await fireNext(database);
    if (fired === undefined) return started;
    if (!fired.created) continue;
    started += 1;
    logger.info(`The schedule of organization ${fired.organizationId} starts a sync`);
    bus.publish({ organizations: [fired.organizationId], work: true });
  }
}

/** @returns undefined when no clinic is due; `created` is false when its sync was under way */
async function fireNext({
  sql,
}: Database): Promise<{ organizationId: number; created: boolean } | undefined> {
  return await sql.begin(async (tx) => {
    const [due] = await tx<{ id: number; schedule: Schedule; now: string }[]>`
      select id, schedule, clock_timestamp() as now from organizations
      where next_sync_at <= clock_timestamp() order by next_sync_at limit 1 for update skip locked`;
    if (due === undefined) return undefined;
    const next = nextFiring(due.schedule, new Date(due.now), Math.random());
    await tx`update organizations set next_sync_at = ${next?.toISOString() ?? null}::timestamptz where id = ${due.id}`;
    const run = await createRun(tx, due.id, 'full_patients');
    return { organizationId: due.id, created: run !== undefined };
  });
}
