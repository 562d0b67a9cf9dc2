/** A start by an old route, which names its run for the audit log: the old answers do not. */
import type { Context } from 'hono';
import type { OperationType } from '#contract/sync-log.ts';
import { principalOf } from '../http/principal.ts';
import { requestSync, type StartedAnswer } from '../sync/request-sync.ts';
import type { LegacyDeps } from './deps.ts';

/** @throws ProblemError ORGANIZATION_NOT_FOUND */
export async function startAudited(
  c: Context,
  deps: LegacyDeps,
  organizationId: number,
  type: OperationType,
): Promise<StartedAnswer> {
  const started = await requestSync(deps, principalOf(c), organizationId, type);
  const { sync_log_id: syncLogId, already_running: isRunning } = started.head;
  c.set('auditedRun', {
    organizationId,
    syncLogId,
    outcome: isRunning ? 'already running' : 'started',
  });
  return started;
}
