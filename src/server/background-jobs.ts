/** The background jobs of a server: it works on runs, starts scheduled ones, delivers webhooks, and deletes expired data. */
import type { Config } from '../config/config.ts';
import { startPurge } from '../erasure/purge.ts';
import { startPartitionMaintenance } from '../events/partitions.ts';
import type { EngineDeps } from '../sync/run-context.ts';
import { startScheduler } from '../sync/schedule/scheduler.ts';
import { watchForInterrupted } from '../sync/stale-runs.ts';
import { Worker } from '../sync/worker.ts';
import { type DelivererDeps, startDeliverer } from '../webhooks/deliverer.ts';
import { watchForOverdue } from '../webhooks/overdue-watch.ts';

export interface BackgroundJobs {
  /** Releases the work in progress, so that other servers continue it. */
  handOver(): Promise<void>;
  stop(): void;
}

export async function startBackgroundJobs(
  config: Config,
  engine: EngineDeps,
  webhooks: Pick<DelivererDeps, 'rules' | 'onTried'>,
): Promise<BackgroundJobs> {
  const { database, logger } = engine;
  const stopHistory = await startPartitionMaintenance(database, config.eventRetentionDays, logger);
  const worker = new Worker(engine);
  const stopWatching = watchForInterrupted(database, logger);
  const deliverer = startDeliverer({ ...engine, ...webhooks });
  const stopScheduler = startScheduler(engine);
  const stopOverdueWatch = watchForOverdue(database, logger);
  const purgeAfterDays = config.purgeMissingAfterDays;
  const stopPurge = purgeAfterDays === undefined ? undefined : startPurge(database, purgeAfterDays, logger);
  return {
    async handOver() {
      stopWatching();
      stopScheduler();
      stopOverdueWatch();
      stopPurge?.();
      await Promise.all([worker.stop(), deliverer.stop()]);
    },
    stop: stopHistory,
  };
}
