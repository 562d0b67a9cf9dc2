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

/**
 * @returns releases the work in progress, so that other servers continue it, and stops
 * @throws when a job cannot start; nothing is left running then
 */
export async function startBackgroundJobs(
  config: Config,
  engine: EngineDeps,
  webhooks: Pick<DelivererDeps, 'rules' | 'onTried'>,
  onApplied: OperationDeps['onApplied'],
): Promise<() => Promise<void>> {
  const { database, logger } = engine;
  const { publicUrl, eventRetentionDays, purgeMissingAfterDays: purgeAfterDays } = config;
  /** Jobs that own their work in progress. */
  const owners: { stop(): Promise<void> }[] = [];
  const stops: (() => void)[] = [];
  const handOver = async (): Promise<void> => {
    for (const stop of stops) stop();
    await Promise.all(owners.map((owner) => owner.stop()));
  };
  try {
    stops.push(await startPartitionMaintenance(database, eventRetentionDays, logger));
    owners.push(new Worker(engine));
    stops.push(watchForInterrupted(database, logger));
    owners.push(startDeliverer({ ...engine, ...webhooks, sendEmail: await openEmail(config), publicUrl }));
    stops.push(startScheduler(engine));
    stops.push(startOperationWorker({ ...engine, onApplied }));
    stops.push(await startOperationRetention(database, logger));
    stops.push(await startRunRetention(database, logger));
    stops.push(await deleteUnusedBudgets(database, logger));
    stops.push(watchForOverdue(database, logger));
    if (config.previousCredentialsKey !== undefined)
      stops.push(rotateAgain(database, engine.sealer, SEALED, logger));
    if (purgeAfterDays !== undefined) stops.push(startPurge(database, purgeAfterDays, logger));
    return handOver;
  } catch (error) {
    await handOver();
    throw error;
  }
}

/** The package takes memory and time to load, so it loads only when configured. */
async function openEmail({ mail }: Config): Promise<SendEmail | undefined> {
  if (mail === undefined) return undefined;
  const { createEmailSender } = await import('../webhooks/send-email.ts');
  return createEmailSender(mail);
}
