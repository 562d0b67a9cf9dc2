/** The background jobs of a server: it works on runs, starts scheduled ones, delivers webhooks, and deletes expired data. */
import { deleteUnusedBudgets } from '../cliniko/postgres-request-budget.ts';
import type { Config } from '../config/config.ts';
import { rotateAgain } from '../encryption/rotate-keys.ts';
import { startPurge } from '../erasure/purge.ts';
import { startPartitionMaintenance } from '../events/partitions.ts';
import { startOperationRetention } from '../operations/read-operation.ts';
import { type OperationDeps, startOperationWorker } from '../operations/work-on-operations.ts';
import type { EngineDeps } from '../sync/run-context.ts';
import { startRunRetention } from '../sync/run-retention.ts';
import { startScheduler } from '../sync/schedule/scheduler.ts';
import { watchForInterrupted } from '../sync/stale-foreign-runs.ts';
import { Worker } from '../sync/worker.ts';
import { type DelivererDeps, startDeliverer } from '../webhooks/delivery-worker.ts';
import { watchForOverdue } from '../webhooks/overdue-watch.ts';
import type { SendEmail } from '../webhooks/send-email.ts';
import { SEALED } from './sealed-columns.ts';

export interface BackgroundJobs {
  /** Releases the work in progress, so that other servers continue it. */
  handOver(): Promise<void>;
  stop(): void;
}

export async function startBackgroundJobs(
  config: Config,
  engine: EngineDeps,
  webhooks: Pick<DelivererDeps, 'rules' | 'onTried'>,
  onApplied: OperationDeps['onApplied'],
): Promise<BackgroundJobs> {
  const { database, logger } = engine;
  const stopHistory = await startPartitionMaintenance(database, config.eventRetentionDays, logger);
  const worker = new Worker(engine);
  const stopWatching = watchForInterrupted(database, logger);
  const sendEmail = await openEmail(config);
  const deliverer = startDeliverer({ ...engine, ...webhooks, sendEmail, publicUrl: config.publicUrl });
  const stopScheduler = startScheduler(engine);
  const stopOperations = startOperationWorker({ ...engine, onApplied });
  const stopOperationRetention = await startOperationRetention(database, logger);
  const stopRunRetention = await startRunRetention(database, logger);
  const stopBudgets = await deleteUnusedBudgets(database, logger);
  const stopOverdueWatch = watchForOverdue(database, logger);
  const purgeAfterDays = config.purgeMissingAfterDays;
  const stopRotation = config.previousCredentialsKey && rotateAgain(database, engine.sealer, SEALED, logger);
  const stopPurge = purgeAfterDays === undefined ? undefined : startPurge(database, purgeAfterDays, logger);
  return {
    async handOver() {
      stopWatching();
      stopScheduler();
      stopOperations();
      stopOperationRetention();
      stopRunRetention();
      stopBudgets();
      stopOverdueWatch();
      stopPurge?.();
      stopRotation?.();
      await Promise.all([worker.stop(), deliverer.stop()]);
    },
    stop: stopHistory,
  };
}

/** The package takes memory and time to load, so it loads only when configured. */
async function openEmail({ mail }: Config): Promise<SendEmail | undefined> {
  if (mail === undefined) return undefined;
  const { createEmailSender } = await import('../webhooks/send-email.ts');
  return createEmailSender(mail);
}
