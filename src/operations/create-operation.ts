/**
 * Creates a bulk operation: finds the organizations that its filter matches, and stores them as its targets, with one entry
 * in the audit log, in one transaction. The targets do not change after that, whatever the states of the organizations become.
 */
import { createHash } from 'node:crypto';
import type { ISql, Sql } from 'postgres';
import type { CreatedOperation, OperationFilter, OperationRequest } from '#contract/bulk-operation.ts';
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import { appendAudit } from '../audit/append.ts';
import type { GrantedOrganizations } from '../http/principal.ts';
import { readPause } from '../organizations/pause.ts';
import { operationOf } from '../organizations/planned-firings.ts';
import { organizationStates } from '../overview/read-overview.ts';

export interface Caller {
  actor: string;
  requestId: string;
  organizations: GrantedOrganizations;
  trigger: SyncTrigger;
  /** `Idempotency-Key` of the request. */
  idempotencyKey: string | undefined;
}

/** As long as access/idempotency.ts keeps an answer. It loses the answer of a server that dies before it stores it. */
const REPEATS_WITHIN = '1 day';

/** @returns the operation of the first request, when this one repeats it */
export async function createOperation(
  sql: Sql,
  request: OperationRequest,
  caller: Caller,
): Promise<CreatedOperation> {
  const repeatHash = repeatHashOf(request, caller);
  return await sql.begin(async (tx) => {
    await tx`update bulk_operations set repeat_hash = null
      where repeat_hash = ${repeatHash} and created_at < now() - ${REPEATS_WITHIN}::interval`;
    const [created] = await tx<{ id: number }[]>`
      insert into bulk_operations (action, operation_type, reason, actor, trigger, repeat_hash)
      values (${request.action}, ${typeOf(request)}, ${request.reason ?? null}, ${caller.actor},
        ${JSON.stringify(caller.trigger)}::text::jsonb, ${repeatHash})
      on conflict (repeat_hash) do nothing returning id`;
    if (created === undefined) return await readRepeated(tx, repeatHash);
    const { paused: isPaused } = await readPause(tx);
    const { count: matched } = await tx`
      insert into bulk_operation_targets (operation_id, organization_id)
      select ${created.id}::int, organization_id from (${matching(tx, request.filter, caller, isPaused)}) as matching`;
    await tx`update bulk_operations set matched = ${matched},
        status = case when ${matched} = 0 then 'completed' else 'running' end,
        completed_at = case when ${matched} = 0 then clock_timestamp() end
      where id = ${created.id}`;
    await appendAudit(tx, {
      organizationId: null,
      action: 'operation.create',
      details: { operation_id: created.id, operation: request.action, matched },
      actor: caller.actor,
      requestId: caller.requestId,
    });
    return { operation_id: created.id, matched };
  });
}

const typeOf = ({ action, mode }: OperationRequest): OperationType | null =>
  action === 'start' ? operationOf(mode === undefined ? {} : { mode }) : null;

function repeatHashOf(request: OperationRequest, { actor, idempotencyKey }: Caller): string | null {
  if (idempotencyKey === undefined) return null;
  return createHash('sha256')
    .update(JSON.stringify([actor, idempotencyKey, request]))
    .digest('hex');
}

async function readRepeated(tx: ISql, repeatHash: string | null): Promise<CreatedOperation> {
  const [first] = await tx<{ id: number; matched: number }[]>`
    select id, matched from bulk_operations where repeat_hash = ${repeatHash}`;
  if (first === undefined) throw new Error('A bulk operation was neither created nor found.');
  return { operation_id: first.id, matched: first.matched };
}

/** Organizations that the caller does not hold are refused before (routes.ts). */
function matching(tx: ISql, filter: OperationFilter, caller: Caller, isPaused: boolean) {
  const { organizations, state, error_type } = filter;
  const held = organizations === undefined ? caller.organizations : new Set(organizations);
  if (state === undefined && error_type === undefined) {
    return tx`select id as organization_id from organizations
      ${held === '*' ? tx`` : tx`where id = any(${[...held]}::int[])`}`;
  }
  return tx`
    select organization_id from (${organizationStates(tx, { organizations: held, after: 0, isPaused, atMost: null })}) as judged
    where true ${state === undefined ? tx`` : tx`and state = any(${state as string[]}::text[])`}
      ${error_type === undefined ? tx`` : tx`and cause = any(${error_type}::text[])`}`;
}
