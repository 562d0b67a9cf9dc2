/** Routes of sync/, live/ and patients/. */
import { z } from 'zod';
import { Analytics } from '#contract/analytics.ts';
import {
  ConfirmedMissing,
  MissingPatients,
  PatientList,
  PatientState,
  PatientSummary,
  QuarantineList,
  QuarantineRetry,
} from '#contract/patients.ts';
import { Timeline } from '#contract/stream-event.ts';
import { RowId, StartedSync, SyncLog, SyncLogList, SyncStatus } from '#contract/sync-log.ts';
import type { Operation } from './operation.ts';
import { AT_LEAST, FORMAT, IDEMPOTENCY_KEY, LIMIT, SINCE } from './parameters.ts';

const start = (word: string, id: string, summary: string): Operation => ({
  method: 'post',
  path: `/api/v1/cliniko/sync-${word}/:orgId`,
  id,
  tag: 'Syncs',
  summary,
  description: 'While one runs for this organization, that one is answered and nothing is started.',
  headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
  answers: {
    200: { description: 'It was started, or one was running already.', schema: StartedSync },
  },
  problems: [
    'INVALID_PARAMETER',
    'ORGANIZATION_NOT_FOUND',
    'IDEMPOTENCY_KEY_REUSED',
    'IDEMPOTENCY_KEY_IN_USE',
  ],
});

export const SYNC_OPERATIONS: readonly Operation[] = [
  start('all', 'startFullSync', 'Sync all patients, active and archived'),
  start('active', 'startActiveSync', 'Sync the patients who are not archived'),
  start('changed', 'startChangedSync', 'Sync what changed since the last complete sync'),
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId',
    id: 'listSyncLogs',
    tag: 'Syncs',
    summary: 'The sync logs of an organization, newest first',
    description: 'For polling: `ETag` is the cursor of the head, so a poll with `If-None-Match` is cheap.',
    query: {
      limit: LIMIT,
      status: { schema: SyncStatus, description: 'Only logs with this status.' },
      operation_type: {
        schema: z.string().regex(/^[A-Za-z0-9_]{1,50}$/),
        description: 'Only logs of this type.',
      },
      before: { schema: RowId, description: 'Only logs after this row, in the order of the list.' },
      at_least: AT_LEAST,
      format: FORMAT,
    },
    headers: { 'if-none-match': { schema: z.string(), description: 'The `ETag` of an earlier answer.' } },
    answers: {
      200: {
        description: 'The logs.',
        schema: SyncLogList,
        isAlsoCsv: true,
        headers: { etag: 'The quoted cursor of the head.' },
      },
      304: { description: 'Nothing has changed since.' },
    },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id',
    id: 'getSyncLog',
    tag: 'Syncs',
    summary: 'One sync log',
    answers: { 200: { description: 'The log.', schema: SyncLog } },
    problems: ['INVALID_PARAMETER', 'SYNC_LOG_NOT_FOUND'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id/timeline',
    id: 'getTimeline',
    tag: 'Syncs',
    summary: 'All events of one run, as the streams sent them',
    answers: { 200: { description: 'The events, in order.', schema: Timeline } },
    problems: ['INVALID_PARAMETER', 'SYNC_LOG_NOT_FOUND'],
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id/cancel',
    id: 'cancelSync',
    tag: 'Syncs',
    summary: 'End a running sync',
    description:
      'It ends as `failed` with `SYNC_CANCELLED` within a second. The patients that it has stored stay.',
    answers: { 202: { description: 'It is being ended.', schema: SyncLog } },
    problems: ['INVALID_PARAMETER', 'SYNC_LOG_NOT_FOUND', 'ALREADY_ENDED', 'NOT_OURS'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/events',
    id: 'streamEvents',
    tag: 'Streams',
    summary: 'Follow an organization (Server-Sent Events)',
    description: 'The events are described in /asyncapi.json.',
    query: {
      since: SINCE,
      lastEventId: {
        ...SINCE,
        description: 'Like `since`, and takes precedence over it; EventSource polyfills send it.',
      },
    },
    headers: {
      'last-event-id': { ...SINCE, description: 'Like `since`, and takes precedence over both parameters.' },
    },
    answers: { 200: { description: 'The stream.', schema: z.string(), type: 'text/event-stream' } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/ws',
    id: 'openSocket',
    tag: 'Streams',
    summary: 'Follow many organizations (WebSocket)',
    description: 'The frames are described in /asyncapi.json.',
    query: {
      organizations: { schema: z.string(), description: '`*`, or ids with commas: subscribes at once.' },
    },
    answers: { 101: { description: 'The connection uses WebSocket from now on.' } },
    problems: ['UPGRADE_REQUIRED'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId',
    id: 'listPatients',
    tag: 'Patients',
    summary: 'The stored patients, ordered by Cliniko id',
    description: 'For a person who checks what was stored. Each request leaves an entry in the audit log.',
    query: {
      search: {
        schema: z.string().min(1).max(100),
        description: 'Part of a name or e-mail address, digits of a phone number, or a Cliniko id.',
      },
      state: { schema: PatientState, description: 'Default: active and archived patients.' },
      limit: { schema: z.int().min(1).max(200), description: 'The maximum number of entries. Default 50.' },
      after: {
        schema: z.string().regex(/^[0-9]{1,20}$/),
        description: 'The `next` of the page before.',
      },
    },
    answers: { 200: { description: 'One page.', schema: PatientList } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/summary',
    id: 'getPatientSummary',
    tag: 'Patients',
    summary: 'How many patients are stored',
    answers: { 200: { description: 'The totals.', schema: PatientSummary } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/missing',
    id: 'getMissingPatients',
    tag: 'Patients',
    summary: 'The patients that are missing in Cliniko, and those that wait for a confirmation',
    query: { format: FORMAT },
    answers: { 200: { description: 'The counts and ids.', schema: MissingPatients, isAlsoCsv: true } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/patients/:orgId/missing/confirm',
    id: 'confirmMissingPatients',
    tag: 'Patients',
    summary: 'Confirm a disappearance that was held',
    answers: { 200: { description: 'How many were marked as missing.', schema: ConfirmedMissing } },
    problems: ['INVALID_PARAMETER', 'ORGANIZATION_NOT_FOUND'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/quarantine/:orgId',
    id: 'listQuarantine',
    tag: 'Patients',
    summary: 'Patients that could not be stored, by id and reason',
    query: { format: FORMAT },
    answers: { 200: { description: 'The list.', schema: QuarantineList, isAlsoCsv: true } },
    problems: ['INVALID_PARAMETER'],
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/quarantine/:orgId/retry',
    id: 'retryQuarantine',
    tag: 'Patients',
    summary: 'Ask Cliniko again for patients in quarantine, and store those that can be stored now',
    answers: { 200: { description: 'The result.', schema: QuarantineRetry } },
    problems: ['INVALID_PARAMETER', 'ORGANIZATION_NOT_FOUND', 'NO_CREDENTIALS', 'CLINIKO_FAILED'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/analytics/:orgId',
    id: 'getAnalytics',
    tag: 'Syncs',
    summary: 'Success by day, and speed by operation',
    answers: { 200: { description: 'Of completed runs.', schema: Analytics } },
    problems: ['INVALID_PARAMETER'],
  },
];
