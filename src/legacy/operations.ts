/** The old routes in `/openapi.json`: all marked deprecated, with the route of ours that replaces each. */
import { z } from 'zod';
import { RowId, StartedSync } from '#contract/sync-log.ts';
import type { Operation } from '../openapi/operation.ts';
import { IDEMPOTENCY_KEY, IDEMPOTENCY_PROBLEMS, IF_NONE_MATCH, NOT_MODIFIED } from '../openapi/parameters.ts';

const Answer = z.looseObject({});
const text = (description: string) => ({ schema: z.string(), description });

const legacy = (
  method: Operation['method'],
  path: string,
  id: string,
  replacement: string,
  more: Partial<Operation> = {},
): Operation => ({
  method,
  path,
  id,
  tag: 'Old service',
  summary: `Of the old service; use ${replacement}`,
  deprecated: true,
  answers: { 200: { description: 'As the old service answered.', schema: Answer } },
  ...more,
});

/** It starts a run like our own routes, and obeys the same `Idempotency-Key`. */
const start = (path: string, id: string, more: Partial<Operation> = {}): Operation =>
  legacy('post', path, id, 'POST /api/v1/cliniko/sync-all/{orgId}', {
    answers: { 200: { description: 'It was started, or one was running already.', schema: StartedSync } },
    ...more,
    access: { scope: 'sync', audit: 'sync.start', ...more.access },
    headers: { 'Idempotency-Key': IDEMPOTENCY_KEY, ...more.headers },
    problems: ['ORGANIZATION_NOT_FOUND', ...IDEMPOTENCY_PROBLEMS, ...(more.problems ?? [])],
  });

/** A read with an ETag (answer-cache.ts). */
const cachedRead = (path: string, id: string, replacement: string): Operation =>
  legacy('get', path, id, replacement, {
    headers: { 'if-none-match': IF_NONE_MATCH },
    answers: {
      200: {
        description: 'As the old service answered.',
        schema: Answer,
        headers: { etag: 'Changes with the answer.' },
      },
      304: NOT_MODIFIED,
    },
  });

const SYNC_LOGS = 'GET /api/v1/cliniko/sync-logs/{orgId}';
const SUMMARY = 'GET /api/v1/cliniko/patients/{orgId}/summary';
const PATIENTS = 'GET /api/v1/cliniko/patients/{orgId}';
const CANCEL = 'POST /api/v1/cliniko/sync-logs/{orgId}/{id}/cancel';
/** The organization is in a header or a sync id, and the route checks access itself. */
const CHECKS_ITSELF = { isSelfFiltering: true } as const;
const OF_ONE_SYNC = { access: CHECKS_ITSELF, problems: ['SYNC_LOG_NOT_FOUND'] as const };
const CANCELS = { ...CHECKS_ITSELF, scope: 'sync', audit: 'sync.cancel' } as const;
const LISTS_PATIENTS = { access: { audit: 'patients.read' } } as const;

const Health = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  timestamp: z.string(),
  version: z.string(),
});

export const LEGACY_OPERATIONS: readonly Operation[] = [
  legacy('get', '/health', 'legacyHealth', 'GET /readyz', {
    access: { isPublic: true },
    answers: {
      200: { description: 'This server can do its work.', schema: Health },
      503: { description: 'It cannot, or stops.', schema: Health },
    },
  }),
  start('/api/v1/cliniko/sync/:orgId', 'legacyStartSync', {
    answers: { 200: { description: 'It was started, or one was running already.', schema: Answer } },
    query: {
      mode: {
        schema: z.enum(['incremental', 'comprehensive', 'basic', 'patients-only']),
        description: 'Default `incremental`.',
      },
      force_full: text('`true`: reads everything.'),
    },
  }),
  start('/api/v1/cliniko/sync-comprehensive/:orgId', 'legacyStartComprehensiveSync'),
  start('/api/v1/cliniko/sync-simple/:orgId', 'legacyStartSimpleSync'),
  start('/api/v1/cliniko/sync/schedule/:orgId', 'legacyScheduleSync', {
    answers: { 200: { description: 'Whether it was started.', schema: Answer } },
  }),
  start('/api/v1/sync/trigger', 'legacyTriggerSync', {
    access: CHECKS_ITSELF,
    headers: { 'x-organization-id': { schema: RowId, description: 'The organization.' } },
    answers: { 200: { description: 'Whether it was started.', schema: Answer } },
  }),
  cachedRead('/api/v1/cliniko/status/:orgId', 'legacyStatus', `${SUMMARY} and ${SYNC_LOGS}`),
  legacy(
    'get',
    '/api/v1/cliniko/test-connection/:orgId',
    'legacyTestConnection',
    'POST /api/v1/organizations/{orgId}/cliniko-credentials/verify',
  ),
  legacy(
    'get',
    '/api/v1/cliniko/active-patients/:orgId',
    'legacyListActivePatients',
    PATIENTS,
    LISTS_PATIENTS,
  ),
  legacy('get', '/api/v1/cliniko/active-patients-summary/:orgId', 'legacyActivePatientsSummary', SUMMARY),
  legacy(
    'get',
    '/api/v1/cliniko/active-patients/:orgId/summary',
    'legacyActivePatientsSummaryBelow',
    SUMMARY,
  ),
  legacy('get', '/api/v1/cliniko/patients/:orgId/stats', 'legacyPatientStats', SUMMARY, LISTS_PATIENTS),
  cachedRead('/api/v1/cliniko/sync/dashboard/:orgId', 'legacySyncDashboard', SYNC_LOGS),
  cachedRead('/api/v1/sync/dashboard/:orgId', 'legacyProgressDashboard', SYNC_LOGS),
  start('/api/v1/sync/start/:orgId', 'legacyStartProgressSync', {
    query: { sync_mode: text('`full`, `active` (default), `incremental`, `quick` or `comprehensive`.') },
    answers: { 200: { description: 'It was started, or one was running already.', schema: Answer } },
    problems: ['UNPROCESSABLE'],
  }),
  legacy('get', '/api/v1/sync/status/:syncId', 'legacySyncStatus', SYNC_LOGS, OF_ONE_SYNC),
  legacy('get', '/api/v1/sync/progress/:syncId', 'legacySyncProgress', SYNC_LOGS, OF_ONE_SYNC),
  cachedRead('/api/v1/sync/status/organization/:orgId', 'legacyOrganizationSyncStatus', SYNC_LOGS),
  cachedRead('/api/v1/sync/history/:orgId', 'legacySyncHistory', SYNC_LOGS),
  legacy('get', '/api/v1/sync/active', 'legacyActiveSyncs', 'GET /api/v1/overview', {
    access: CHECKS_ITSELF,
  }),
  legacy('delete', '/api/v1/sync/cancel/:syncId', 'legacyCancelSync', CANCEL, {
    access: CANCELS,
    problems: ['SYNC_LOG_NOT_FOUND', 'NOT_OURS'],
  }),
  legacy('delete', '/api/v1/sync/force-cancel/:syncId', 'legacyForceCancelSync', CANCEL, {
    ...OF_ONE_SYNC,
    access: CANCELS,
  }),
  legacy('post', '/api/v1/sync/cleanup', 'legacyCleanUp', 'nothing: stale rows end by themselves'),
  cachedRead('/api/v1/dashboard/:orgId', 'legacyDashboard', SUMMARY),
  cachedRead('/api/v1/dashboard/:orgId/summary', 'legacyDashboardSummary', SUMMARY),
  cachedRead('/api/v1/dashboard/:orgId/activity', 'legacyDashboardActivity', SYNC_LOGS),
  cachedRead(
    '/api/v1/admin/organization-services/:orgId',
    'legacyOrganizationServices',
    'GET /api/v1/organizations/{orgId}',
  ),
];
