/**
 * What an operation does to one organization, in the transaction that stores its outcome.
 *
 * `skipped` means that there was nothing to do: a start while a run is running, a retry of an organization whose last run did
 * not fail, a cancel without a run of ours, a pause of one that is paused.
 */
import type { OperationAction } from '#contract/bulk-operation.ts';
import { OperationType, type SyncTrigger } from '#contract/sync-log.ts';
import type { Tx } from '../database/open.ts';
import { shareOrganization } from '../organizations/organization-lock.ts';
import { changePause } from '../organizations/pause.ts';
import { lastJudged } from '../overview/read-overview.ts';
import { type CancelDeps, finishCancel, requestCancel } from '../sync/cancel-run.ts';
import { createRun } from '../sync/start-run.ts';

export interface RunningOperation {
  id: number;
  action: OperationAction;
  operationType: OperationType | null;
  reason: string | null;
  trigger: SyncTrigger;
  /** ISO 8601 UTC. */
  createdAt: string;
}

export interface Applied {
  outcome: 'done' | 'skipped';
  /** Call it after the commit. */
  publish?: () => void;
}

const SKIPPED: Applied = { outcome: 'skipped' };

/** What a retry starts when another program ran the sync that failed. */
const DEFAULT_TYPE: OperationType = 'full_patients';

/** @throws OrganizationDeletedError: it is no longer registered */
export async function applyAction(
  tx: Tx,
  deps: CancelDeps,
  operation: RunningOperation,
  organizationId: number,
): Promise<Applied> {
  const { action, reason } = operation;
  switch (action) {
    case 'start':
    case 'retry':
      return await start(tx, deps, operation, organizationId);
    case 'cancel':
      return await cancel(tx, deps, operation, organizationId);
    case 'pause':
    case 'resume': {
      const change = action === 'pause' ? { paused: true, paused_reason: reason } : { paused: false };
      const outcome = await changePause(tx, organizationId, change, operation.trigger.name ?? null);
      return outcome === 'unchanged' ? SKIPPED : { outcome: 'done' };
    }
    default:
      return action satisfies never;
  }
}

async function start(
  tx: Tx,
  { bus }: CancelDeps,
  { action, operationType, trigger }: RunningOperation,
  organizationId: number,
): Promise<Applied> {
  await shareOrganization(tx, organizationId);
  const failed = action === 'retry' ? await findFailedRun(tx, organizationId) : undefined;
  if (action === 'retry' && failed === undefined) return SKIPPED;
  const type = failed?.type ?? operationType ?? DEFAULT_TYPE;
  const origin = { trigger, ...(failed !== undefined && { retryOf: failed.id }) };
  const run = await createRun(tx, organizationId, type, origin);
  if (run === undefined) return SKIPPED;
  return {
    outcome: 'done',
    publish: () => bus.publish({ organizations: [organizationId], work: true }),
  };
}

/** The run that the overview judges, when it failed. */
async function findFailedRun(
  tx: Tx,
  organizationId: number,
): Promise<{ id: number; type: OperationType } | undefined> {
  const [judged] = await tx<{ id: number; type: string; has_failed: boolean }[]>`
    select judged.id, judged.type, judged.has_failed from organizations as organization ${lastJudged(tx)}
    where organization.id = ${organizationId}`;
  if (judged === undefined || judged.has_failed !== true) return undefined;
  return { id: judged.id, type: OperationType.safeParse(judged.type).data ?? DEFAULT_TYPE };
}

/** A run that started after the operation was created is not meant. */
async function cancel(
  tx: Tx,
  deps: CancelDeps,
  { createdAt }: RunningOperation,
  organizationId: number,
): Promise<Applied> {
  const [running] = await tx<{ id: number }[]>`
    select id from sync_logs where organization_id = ${organizationId} and status = 'running'
      and started_at <= ${createdAt}::timestamptz at time zone 'utc'`;
  const request = running && (await requestCancel(tx, running.id));
  if (running === undefined || request === undefined) return SKIPPED;
  return { outcome: 'done', publish: () => finishCancel(deps, organizationId, running.id, request) };
}
