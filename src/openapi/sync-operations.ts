/** Routes of sync/, live/ and patients/. */
import { z } from 'zod';
import { Analytics } from '#contract/analytics.ts';
import { PatientChanges } from '#contract/patient-change.ts';
import {
  ConfirmedMissing,
  MissingPatients,
  PatientList,
  PatientState,
  PatientSummary,
  QuarantineList,
  QuarantineRetry,
  ReleasedHeld,
} from '#contract/patients.ts';
import { PatientsToCheck, PatientsToCheckPage } from '#contract/patients-to-check.ts';
import { Timeline } from '#contract/stream-event.ts';
import { RowId, StartedSync, SyncLog, SyncLogList, SyncStatus } from '#contract/sync-log.ts';
import { After, CHANGES_LIMIT, Ids, LIST_LIMIT, Search } from '../patients/routes.ts';
import { TO_CHECK_LIMIT } from '../patients/to-check-routes.ts';
import { Word } from '../sync/routes.ts';
import type { Operation, Parameter } from './operation.ts';
import {
  AT_LEAST,
  CHANGES_SINCE,
  FORMAT,
  HELD,
  IDEMPOTENCY_KEY,
  IDEMPOTENCY_PROBLEMS,
  IF_NONE_MATCH,
  LAST_CHANGE,
  LIMIT,
  limitOf,
  NOT_MODIFIED,
  SINCE,
  STREAM_TOKEN,
} from './parameters.ts';

const AFTER: Parameter = { schema: After, description: 'The `next` of the page before.' };

const start = (word: string, id: string, summary: string): Operation => ({
  method: 'post',
  path: `/api/v1/cliniko/sync-${word}/:orgId`,
  id,
  tag: 'Syncs',
  access: { scope: 'sync', audit: 'sync.start' },
  summary,
  description: 'While one runs for this organization, that one is answered and nothing is started.',
  headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
  answers: {
    200: { description: 'It was started, or one was running already.', schema: StartedSync },
  },
  problems: ['ORGANIZATION_NOT_FOUND', ...IDEMPOTENCY_PROBLEMS],
});

export const SYNC_OPERATIONS: readonly Operation[] = [
  // Clients of the old service use these two names, and send fields of their own, such as a number against caches.
  { ...start('all', 'startFullSync', 'Sync all patients, active and archived'), isLenient: true },
  { ...start('active', 'startActiveSync', 'Sync the patients who are not archived'), isLenient: true },
  start('changed', 'startChangedSync', 'Sync what changed since the last complete sync'),
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId',
    id: 'listSyncLogs',
    tag: 'Syncs',
    // So do their polls.
    isLenient: true,
    summary: 'The sync logs of an organization, newest first',
    description: 'For polling: `ETag` is the cursor of the head, so a poll with `If-None-Match` is cheap.',
    query: {
      limit: LIMIT,
      status: { schema: SyncStatus, description: 'Only logs with this status.' },
      operation_type: { schema: Word, description: 'Only logs of this type.' },
      before: { schema: RowId, description: 'Only logs after this row, in the order of the list.' },
      at_least: AT_LEAST,
      format: FORMAT,
    },
    headers: { 'if-none-match': IF_NONE_MATCH },
    answers: {
      200: {
        description: 'The logs.',
        schema: SyncLogList,
        isAlsoCsv: true,
        headers: { etag: 'The quoted cursor of the head.' },
      },
      304: NOT_MODIFIED,
    },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id',
    id: 'getSyncLog',
    tag: 'Syncs',
    summary: 'One sync log',
    answers: { 200: { description: 'The log.', schema: SyncLog } },
    problems: ['SYNC_LOG_NOT_FOUND'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id/timeline',
    id: 'getTimeline',
    tag: 'Syncs',
    summary: 'All events of one run, as the streams sent them',
    answers: { 200: { description: 'The events, in order.', schema: Timeline } },
    problems: ['SYNC_LOG_NOT_FOUND'],
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/sync-logs/:orgId/:id/cancel',
    id: 'cancelSync',
    tag: 'Syncs',
    access: { scope: 'sync', audit: 'sync.cancel' },
    summary: 'End a running sync',
    description:
      'It ends as `failed` with `SYNC_CANCELLED` within a second. The patients that it has stored stay.',
    answers: { 202: { description: 'It is being ended.', schema: SyncLog } },
    problems: ['SYNC_LOG_NOT_FOUND', 'ALREADY_ENDED', 'NOT_OURS'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/sync-logs/:orgId/events',
    id: 'streamEvents',
    tag: 'Streams',
    access: { isStream: true, audit: 'stream.open' },
    // Polyfills of EventSource add parameters. A misspelt cursor loses nothing here: the stream then begins with a snapshot.
    isLenient: true,
    summary: 'Follow an organization (Server-Sent Events)',
    description: 'The events are described in /asyncapi.json.',
    query: {
      since: SINCE,
      lastEventId: {
        ...SINCE,
        description: 'Like `since`, and takes precedence over it; EventSource polyfills send it.',
      },
      token: STREAM_TOKEN,
    },
    headers: {
      'last-event-id': { ...SINCE, description: 'Like `since`, and takes precedence over both parameters.' },
    },
    answers: { 200: { description: 'The stream.', schema: z.string(), type: 'text/event-stream' } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/ws',
    id: 'openSocket',
    tag: 'Streams',
    access: { isSelfFiltering: true, isStream: true, audit: 'stream.open' },
    summary: 'Follow many organizations (WebSocket)',
    description: 'The frames are described in /asyncapi.json.',
    query: {
      organizations: { schema: z.string(), description: '`*`, or ids with commas: subscribes at once.' },
      token: STREAM_TOKEN,
    },
    answers: { 101: { description: 'The connection uses WebSocket from now on.' } },
    problems: ['UPGRADE_REQUIRED'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId',
    id: 'listPatients',
    tag: 'Patients',
    access: { audit: 'patients.read' },
    summary: 'The stored patients, ordered by Cliniko id',
    description: 'For a person who checks what was stored. Each request leaves an entry in the audit log.',
    query: {
      search: {
        schema: Search,
        description: 'Part of a name or e-mail address, digits of a phone number, or a Cliniko id.',
      },
      state: {
        schema: PatientState,
        description: 'Default: active and archived patients; with `ids` every state.',
      },
      ids: {
        schema: Ids,
        description:
          'Only the patients with these Cliniko ids, with commas, at most 100: for a program that follows the changes. One that is not in the answer is not stored any more.',
      },
      limit: {
        ...limitOf(LIST_LIMIT),
        description: 'The maximum number of entries. Default 50; with `ids` 200.',
      },
      after: AFTER,
    },
    answers: { 200: { description: 'One page.', schema: PatientList } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/changes',
    id: 'listPatientChanges',
    tag: 'Patients',
    summary: 'What changed in the patients, numbered and without gaps',
    description:
      'Ids only. Start with `since=all`, repeat with `next`, and read each patient by its id. An empty answer means that nothing has changed since. After `recovered: false`, start over with `since=all`.',
    query: {
      since: CHANGES_SINCE,
      limit: limitOf(CHANGES_LIMIT),
    },
    answers: { 200: { description: 'The next changes.', schema: PatientChanges } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/changes/stream',
    id: 'streamPatientChanges',
    tag: 'Streams',
    access: { isStream: true, audit: 'stream.open' },
    summary: 'Follow the changes of the patients (Server-Sent Events)',
    description:
      'The events are described in /asyncapi.json. Without `since` the stream starts now. `since=all` sends one `created` for each stored patient first. When `hello` has `recovered: false`, start over with `since=all`.',
    query: { since: CHANGES_SINCE, lastEventId: LAST_CHANGE, token: STREAM_TOKEN },
    headers: { 'last-event-id': LAST_CHANGE },
    answers: { 200: { description: 'The stream.', schema: z.string(), type: 'text/event-stream' } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/summary',
    id: 'getPatientSummary',
    tag: 'Patients',
    summary: 'How many patients are stored',
    answers: { 200: { description: 'The totals.', schema: PatientSummary } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/to-check',
    id: 'countPatientsToCheck',
    tag: 'Patients',
    access: { auditOfCsv: 'quarantine.read' },
    summary: 'How many patients a person has to look at, by reason',
    description:
      'Held, in quarantine, missing, and stored with a data warning. As CSV: all of them, by Cliniko id and reason.',
    query: { format: FORMAT },
    answers: { 200: { description: 'The reasons that apply.', schema: PatientsToCheck, isAlsoCsv: true } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/to-check/:reason',
    id: 'listPatientsToCheck',
    tag: 'Patients',
    access: { audit: 'quarantine.read' },
    summary: 'The patients of one reason, page by page',
    description: 'Ids only. As CSV: all of them at once. Each request leaves an entry in the audit log.',
    query: {
      limit: limitOf(TO_CHECK_LIMIT),
      after: AFTER,
      format: FORMAT,
    },
    answers: { 200: { description: 'One page.', schema: PatientsToCheckPage, isAlsoCsv: true } },
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/patients/:orgId/missing',
    id: 'getMissingPatients',
    tag: 'Patients',
    summary: 'The patients that are missing in Cliniko, and those that wait for a confirmation',
    query: { format: FORMAT },
    answers: { 200: { description: 'The counts and ids.', schema: MissingPatients, isAlsoCsv: true } },
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/patients/:orgId/missing/confirm',
    id: 'confirmMissingPatients',
    tag: 'Patients',
    access: { audit: null },
    summary: 'Confirm a disappearance that was held',
    query: { held: HELD },
    answers: { 200: { description: 'How many were marked as missing.', schema: ConfirmedMissing } },
    problems: ['ORGANIZATION_NOT_FOUND', 'HELD_CHANGED'],
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/patients/:orgId/missing/release',
    id: 'releaseHeldPatients',
    tag: 'Patients',
    access: { audit: null },
    summary: 'Keep the patients of a disappearance that was held',
    description:
      'For patients that are still in Cliniko. A later full sync that does not see them holds them again.',
    query: { held: HELD },
    answers: { 200: { description: 'How many are no longer held.', schema: ReleasedHeld } },
    problems: ['ORGANIZATION_NOT_FOUND', 'HELD_CHANGED'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/quarantine/:orgId',
    id: 'listQuarantine',
    tag: 'Patients',
    access: { audit: 'quarantine.read' },
    summary: 'Patients that could not be stored, by id and reason',
    query: { format: FORMAT },
    answers: { 200: { description: 'The list.', schema: QuarantineList, isAlsoCsv: true } },
  },
  {
    method: 'post',
    path: '/api/v1/cliniko/quarantine/:orgId/retry',
    id: 'retryQuarantine',
    tag: 'Patients',
    access: { scope: 'sync', audit: 'quarantine.retry' },
    summary: 'Ask Cliniko again for patients in quarantine, and store those that can be stored now',
    answers: { 200: { description: 'The result.', schema: QuarantineRetry } },
    problems: ['ORGANIZATION_NOT_FOUND', 'NO_CREDENTIALS', 'CLINIKO_FAILED'],
  },
  {
    method: 'get',
    path: '/api/v1/cliniko/analytics/:orgId',
    id: 'getAnalytics',
    tag: 'Syncs',
    summary: 'Success by day, and speed by operation',
    answers: { 200: { description: 'Of completed runs.', schema: Analytics } },
  },
];
