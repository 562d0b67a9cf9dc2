/** Routes of access/ and audit/. */
import { z } from 'zod';
import { AuditPage, StreamToken, StreamTokenRequest } from '#contract/access.ts';
import { RowId } from '#contract/sync-log.ts';
import type { Operation } from './operation.ts';
import { LIMIT } from './parameters.ts';

export const ACCESS_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/v1/stream-tokens',
    id: 'createStreamToken',
    tag: 'Access',
    summary: 'A short-lived token for the address of a stream, for browsers, which cannot send headers there',
    body: StreamTokenRequest,
    answers: { 201: { description: 'Use it as ?token=.', schema: StreamToken } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'get',
    path: '/api/v1/audit',
    id: 'listAudit',
    tag: 'Access',
    summary: 'The audit log, newest first, of the organizations of the token',
    query: {
      limit: LIMIT,
      before: {
        schema: z.string().regex(/^[1-9][0-9]{0,17}$/),
        description: 'The `next` of an earlier page.',
      },
      organization_id: { schema: RowId, description: 'Only entries of this organization.' },
    },
    answers: { 200: { description: 'One page.', schema: AuditPage } },
    problems: ['INVALID_PARAMETER'],
  },
];
