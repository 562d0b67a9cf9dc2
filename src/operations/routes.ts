/** `/api/v1/operations`: one action for many organizations. */
import { type Context, Hono } from 'hono';
import { type OperationAction, OperationRequest } from '#contract/bulk-operation.ts';
import type { Database } from '../database/open.ts';
import { jsonBody, pathId } from '../http/parameters.ts';
import {
  auditOrigin,
  canAccess,
  hasScope,
  insufficientScope,
  organizationForbidden,
  type Principal,
  principalOf,
  type Scope,
} from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { triggerOf } from '../sync/request-sync.ts';
import { createOperation } from './create-operation.ts';
import { cancelOperation, type FoundOperation, readOperation } from './read-operation.ts';

const SCOPES: Record<OperationAction, Scope> = {
  start: 'sync',
  cancel: 'sync',
  retry: 'sync',
  pause: 'admin',
  resume: 'admin',
};

/** @param database the whole one: an operation belongs to no single organization, so these routes decide who reads it */
export function operationRoutes({ sql }: Database): Hono {
  const routes = new Hono();

  routes.post('/operations', async (c) => {
    const request = await jsonBody(c, OperationRequest);
    const principal = principalOf(c);
    requireScope(principal, request.action);
    refuseStrayFields(request);
    for (const id of request.filter.organizations ?? [])
      if (!canAccess(principal, id)) throw organizationForbidden();
    const created = await createOperation(sql, request, {
      ...auditOrigin(c),
      organizations: principal.organizations,
      trigger: triggerOf(principal),
      idempotencyKey: c.req.header('idempotency-key'),
    });
    return c.json(created);
  });

  routes.get('/operations/:id', async (c) => {
    const { operation } = await findOperation(c, sql);
    return c.json(operation);
  });

  routes.post('/operations/:id/cancel', async (c) => {
    const { operation } = await findOperation(c, sql);
    requireScope(principalOf(c), operation.action);
    if (!(await cancelOperation(sql, operation.operation_id, auditOrigin(c))))
      throw new ProblemError(
        'ALREADY_ENDED',
        'This operation has ended already; there is nothing to cancel.',
      );
    return c.json((await findOperation(c, sql)).operation, 202);
  });

  return routes;
}

function requireScope({ scope }: Principal, action: OperationAction): void {
  if (!hasScope(scope, SCOPES[action])) throw insufficientScope(scope, SCOPES[action]);
}

function refuseStrayFields({ action, mode, reason }: OperationRequest): void {
  const stray = (field: string, of: OperationAction): ProblemError =>
    new ProblemError('INVALID_PARAMETER', `"${field}" belongs to the action "${of}". Remove it.`, { field });
  if (mode !== undefined && action !== 'start') throw stray('mode', 'start');
  if (reason !== undefined && action !== 'pause') throw stray('reason', 'pause');
}

/** For the account that created it, and for those that hold every organization. The response of the others names no cause. */
async function findOperation(c: Context, sql: Database['sql']): Promise<FoundOperation> {
  const id = pathId(c, 'id');
  const { actor, organizations } = principalOf(c);
  const found = await readOperation(sql, id);
  if (found !== undefined && (organizations === '*' || found.actor === actor)) return found;
  throw new ProblemError(
    'OPERATION_NOT_FOUND',
    `There is no operation ${id} for this account. Operations that ended are kept for 30 days.`,
  );
}
