/** Routes of bulk operations: one action for many organizations. */
import { BulkOperation, CreatedOperation, OperationRequest } from '#contract/bulk-operation.ts';
import type { Operation } from './operation.ts';
import { IDEMPOTENCY_KEY, IDEMPOTENCY_PROBLEMS } from './parameters.ts';

export const BULK_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/v1/operations',
    id: 'createOperation',
    tag: 'Operation',
    // Some actions require `admin` (operations/routes.ts).
    access: { isSelfFiltering: true, scope: 'sync', audit: null },
    summary: 'Start, cancel, retry, pause or resume many organizations',
    description:
      'Acts on every organization that matches all filters, once, and only on those that the caller may act on. `retry` starts the mode of the last failed run; an organization whose last run did not fail is skipped. `cancel` ends runs that were running when the operation was created. `start`, `cancel` and `retry` need the scope `sync`; `pause` and `resume` need `admin`. The work goes on when a server stops, and starts no run while 100 runs wait for a worker.',
    headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
    body: OperationRequest,
    answers: { 200: { description: 'The operation was created.', schema: CreatedOperation } },
    problems: IDEMPOTENCY_PROBLEMS,
  },
  {
    method: 'get',
    path: '/api/v1/operations/:id',
    id: 'getOperation',
    tag: 'Operation',
    access: { isSelfFiltering: true },
    summary: 'The progress of a bulk operation',
    description:
      'For the account that created it, and for accounts that hold every organization. `done` counts organizations that were acted on, `skipped` those with nothing to do. Kept for 30 days.',
    answers: { 200: { description: 'The operation.', schema: BulkOperation } },
    problems: ['OPERATION_NOT_FOUND'],
  },
  {
    method: 'post',
    path: '/api/v1/operations/:id/cancel',
    id: 'cancelOperation',
    tag: 'Operation',
    access: { isSelfFiltering: true, scope: 'sync', audit: null },
    summary: 'End a bulk operation',
    description:
      'After the answer it acts on no further organization. What it has done stays: runs that it started continue.',
    answers: { 202: { description: 'The operation has ended.', schema: BulkOperation } },
    problems: ['OPERATION_NOT_FOUND', 'ALREADY_ENDED'],
  },
];
