/**
 * The requests of the pages, typed by the contract. Every failure is one `ApiError` whose message may be shown.
 *
 * Not here: live streams (live/).
 */
import * as z from 'zod/mini';
import { Analytics } from '#contract/analytics.ts';
import {
  KeyVerdict,
  Organization,
  type OrganizationChange,
  OrganizationList,
} from '#contract/organization.ts';
import {
  ConfirmedMissing,
  MissingPatients,
  PatientList,
  type PatientState,
  PatientSummary,
  QuarantineList,
  QuarantineRetry,
} from '#contract/patients.ts';
import { Problem, type ProblemCode } from '#contract/problem.ts';
import { Timeline } from '#contract/stream-event.ts';
import { StartedSync, SyncLog, SyncLogList, type SyncStatus } from '#contract/sync-log.ts';

/** `code` and `status` are undefined when this server did not answer: a proxy did, or nothing did. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ProblemCode | undefined;
  readonly status: number | undefined;

  constructor(message: string, reply: { code?: ProblemCode; status?: number }, options?: ErrorOptions) {
    super(message, options);
    this.code = reply.code;
    this.status = reply.status;
  }
}

export type StartableSync = 'full_patients' | 'active_patients' | 'changed_patients';

export interface RunFilter {
  status?: SyncStatus;
  operationType?: StartableSync;
  /** Only runs older than this one. */
  before?: number;
}

/** Runs per answer of `runs`. */
export const RUNS_AT_ONCE = 20;

export interface Api {
  /** Also returns a run that was already active. */
  startSync(organizationId: number, type: StartableSync): Promise<StartedSync>;
  cancelSync(organizationId: number, id: number): Promise<SyncLog>;
  organization(organizationId: number): Promise<Organization>;
  organizations(): Promise<OrganizationList>;
  /** Registers the organization if it is unknown. */
  saveOrganization(organizationId: number, change: OrganizationChange): Promise<Organization>;
  /** Stores the key only when Cliniko accepts it. */
  saveCheckedKey(organizationId: number, apiKey: string): Promise<void>;
  /** Asks Cliniko about the stored key. */
  verifyStoredKey(organizationId: number): Promise<KeyVerdict>;
  summary(organizationId: number): Promise<PatientSummary>;
  /** Newest first. */
  runs(organizationId: number, filter?: RunFilter): Promise<SyncLog[]>;
  run(organizationId: number, id: number): Promise<SyncLog>;
  timeline(organizationId: number, id: number): Promise<z.infer<typeof Timeline>>;
  missing(organizationId: number): Promise<MissingPatients>;
  confirmMissing(organizationId: number): Promise<ConfirmedMissing>;
  quarantine(organizationId: number): Promise<QuarantineList>;
  retryQuarantine(organizationId: number): Promise<QuarantineRetry>;
  analytics(organizationId: number): Promise<Analytics>;
  /** Ordered by Cliniko id. */
  patients(organizationId: number, query: PatientQuery): Promise<PatientList>;
}

interface PatientQuery {
  search?: string;
  state?: PatientState;
  /** `next` of the previous page. */
  after?: string;
}

const START: Record<StartableSync, string> = {
  full_patients: 'sync-all',
  active_patients: 'sync-active',
  changed_patients: 'sync-changed',
};

/**
 * @param baseUrl of the server, without a trailing slash; '' is the page's own origin
 * @param send `fetch`, or a wrapper that adds credentials
 */
export function createApi(baseUrl: string, send: typeof fetch): Api {
  const request = requestBy(send);
  const get = <T extends z.core.$ZodType>(path: string, schema: T) =>
    request(`${baseUrl}/api/v1/${path}`, schema);
  const post = <T extends z.core.$ZodType>(path: string, schema: T) =>
    request(`${baseUrl}/api/v1/${path}`, schema, { method: 'POST' });
  const put = <T extends z.core.$ZodType>(path: string, schema: T, body: unknown) =>
    request(`${baseUrl}/api/v1/${path}`, schema, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    startSync: (id, type) => post(`cliniko/${START[type]}/${id}`, StartedSync),
    cancelSync: (id, run) => post(`cliniko/sync-logs/${id}/${run}/cancel`, SyncLog),
    organization: (id) => get(`organizations/${id}`, Organization),
    organizations: () => get('organizations', OrganizationList),
    saveOrganization: (id, change) => put(`organizations/${id}`, Organization, change),
    saveCheckedKey: (id, api_key) =>
      put(`organizations/${id}/cliniko-credentials`, z.undefined(), { api_key, check: true }),
    verifyStoredKey: (id) => post(`organizations/${id}/cliniko-credentials/verify`, KeyVerdict),
    summary: (id) => get(`cliniko/patients/${id}/summary`, PatientSummary),
    runs: async (id, filter = {}) =>
      (await get(`cliniko/sync-logs/${id}?${searchOf(filter)}`, SyncLogList)).logs,
    run: (id, run) => get(`cliniko/sync-logs/${id}/${run}`, SyncLog),
    timeline: (id, run) => get(`cliniko/sync-logs/${id}/${run}/timeline`, Timeline),
    missing: (id) => get(`cliniko/patients/${id}/missing`, MissingPatients),
    confirmMissing: (id) => post(`cliniko/patients/${id}/missing/confirm`, ConfirmedMissing),
    quarantine: (id) => get(`cliniko/quarantine/${id}`, QuarantineList),
    retryQuarantine: (id) => post(`cliniko/quarantine/${id}/retry`, QuarantineRetry),
    analytics: (id) => get(`cliniko/analytics/${id}`, Analytics),
    patients: (id, query) => get(`cliniko/patients/${id}?${patientSearchOf(query)}`, PatientList),
  };
}

/** The message of a failure, safe to show. @throws anything but an `ApiError`: that is a bug */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  throw error;
}

function searchOf({ status, operationType, before }: RunFilter): string {
  const search = new URLSearchParams({ limit: String(RUNS_AT_ONCE) });
  if (status !== undefined) search.set('status', status);
  if (operationType !== undefined) search.set('operation_type', operationType);
  if (before !== undefined) search.set('before', String(before));
  return search.toString();
}

function patientSearchOf({ search, state, after }: PatientQuery): string {
  const query = new URLSearchParams();
  if (search) query.set('search', search);
  if (state !== undefined) query.set('state', state);
  if (after !== undefined) query.set('after', after);
  return query.toString();
}

function requestBy(send: typeof fetch) {
  return async <T extends z.core.$ZodType>(
    url: string,
    schema: T,
    init?: RequestInit,
  ): Promise<z.infer<T>> => {
    const response = await send(url, init).catch((cause: unknown) => {
      throw new ApiError('The server cannot be reached. Check that it is running.', {}, { cause });
    });
    const { status } = response;
    const body: unknown = await response.json().catch(() => undefined);
    const answer = z.safeParse(schema, body);
    if (response.ok && answer.success) return answer.data;
    const problem = Problem.safeParse(body);
    if (problem.success) throw new ApiError(problem.data.detail, { code: problem.data.code, status });
    throw new ApiError(`The server gave an answer that this page does not understand (${status}).`, {
      status,
    });
  };
}
