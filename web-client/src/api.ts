/**
 * The requests of the pages, typed by the contract. Every failure is one `ApiError` whose message may be shown.
 *
 * Not here: live streams (live/).
 */
import * as z from 'zod/mini';
import { Analytics } from '#contract/analytics.ts';
import { BulkOperation, CreatedOperation, type OperationRequest } from '#contract/bulk-operation.ts';
import {
  KeyVerdict,
  Organization,
  type OrganizationChange,
  OrganizationList,
} from '#contract/organization.ts';
import { Overview, RecentRuns } from '#contract/overview.ts';
import {
  ConfirmedMissing,
  PatientList,
  type PatientState,
  PatientSummary,
  QuarantineRetry,
  ReleasedHeld,
} from '#contract/patients.ts';
import { type CheckReason, PatientsToCheck, PatientsToCheckPage } from '#contract/patients-to-check.ts';
import { Pause, type PauseRequest } from '#contract/pause.ts';
import { Problem, type ProblemCode } from '#contract/problem.ts';
import { Timeline } from '#contract/stream-event.ts';
import {
  type OperationType,
  StartedSync,
  SyncLog,
  SyncLogList,
  type SyncStatus,
} from '#contract/sync-log.ts';

/** `code` and `status` are undefined when this server did not answer: a proxy did, or nothing did. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ProblemCode | undefined;
  readonly status: number | undefined;
  /** The field of the request that is wrong. */
  readonly field: string | undefined;

  constructor(
    message: string,
    reply: { code?: ProblemCode; status?: number; field?: string | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = reply.code;
    this.status = reply.status;
    this.field = reply.field;
  }
}

/** The message beside its field: without the name of the field, with which it begins. */
export function ruleOf({ message }: ApiError): string {
  const rule = message.replace(/^"[^"]*" (is not valid: )?/, '');
  return rule.charAt(0).toUpperCase() + rule.slice(1);
}

/** The parts of `contract/access.ts` that the pages show. */
const AccountAnswer = z.object({
  kind: z.enum(['none', 'session', 'token']),
  name: z.nullable(z.string()),
  scope: z.string(),
});
const SignInAnswer = z.object({ identity_provider: z.nullable(z.string()) });
const ProviderAnswer = z.object({ location: z.string() });
export type Account = z.infer<typeof AccountAnswer>;

export interface RunFilter {
  status?: SyncStatus;
  operationType?: OperationType;
  /** Only runs older than this one. */
  before?: number;
}

/** Runs per answer of `runs`. */
export const RUNS_AT_ONCE = 20;

export interface Api {
  /** Also returns a run that was already active. */
  startSync(organizationId: number, type: OperationType): Promise<StartedSync>;
  cancelSync(organizationId: number, id: number): Promise<SyncLog>;
  organization(organizationId: number): Promise<Organization>;
  organizations(): Promise<OrganizationList>;
  /** Registers the organization if it is unknown. */
  saveOrganization(organizationId: number, change: OrganizationChange): Promise<Organization>;
  /** Stores the key only when Cliniko accepts it. */
  saveCheckedKey(organizationId: number, apiKey: string): Promise<void>;
  /** Asks Cliniko about a key, which is not stored; the organization need not be registered. */
  verifyKey(organizationId: number, apiKey: string): Promise<KeyVerdict>;
  /** Asks Cliniko about the stored key. */
  verifyStoredKey(organizationId: number): Promise<KeyVerdict>;
  summary(organizationId: number): Promise<PatientSummary>;
  /** Newest first. */
  runs(organizationId: number, filter?: RunFilter): Promise<SyncLog[]>;
  run(organizationId: number, id: number): Promise<SyncLog>;
  timeline(organizationId: number, id: number): Promise<z.infer<typeof Timeline>>;
  /** How many patients a person has to look at, by reason. */
  patientsToCheck(organizationId: number): Promise<PatientsToCheck>;
  listToCheck(
    organizationId: number,
    reason: CheckReason,
    page: CheckPageQuery,
  ): Promise<PatientsToCheckPage>;
  /** All patients of a reason as CSV. */
  fileToCheck(organizationId: number, reason: CheckReason): Promise<Blob>;
  /** The held patients are gone. */
  confirmMissing(organizationId: number): Promise<ConfirmedMissing>;
  /** The held patients are still in Cliniko. */
  releaseHeld(organizationId: number): Promise<ReleasedHeld>;
  retryQuarantine(organizationId: number): Promise<QuarantineRetry>;
  analytics(organizationId: number): Promise<Analytics>;
  /** Opens a session on this device with the code of a sign-in link. */
  signIn(code: string): Promise<void>;
  /** The name of the server's identity provider; null: there is none. */
  identityProvider(): Promise<string | null>;
  /** @returns the address of the provider */
  signInAtProvider(returnTo: string): Promise<string>;
  /** Ends the session of this device, or all sessions of its account. */
  signOut(everywhere: boolean): Promise<void>;
  account(): Promise<Account>;
  /** One page of organizations with greater ids. */
  overview(after: number): Promise<Overview>;
  /** Of all organizations, newest first. @param since ISO 8601 */
  recentRuns(since: string, status?: SyncStatus): Promise<SyncLog[]>;
  createOperation(request: OperationRequest): Promise<CreatedOperation>;
  operation(id: number): Promise<BulkOperation>;
  cancelOperation(id: number): Promise<BulkOperation>;
  /** For administrators of all organizations. */
  pause(): Promise<Pause>;
  savePause(request: PauseRequest): Promise<Pause>;
  /** Ordered by Cliniko id. */
  patients(organizationId: number, query: PatientQuery): Promise<PatientList>;
}

interface CheckPageQuery {
  limit: number;
  /** `next` of the previous page. */
  after?: string;
}

interface PatientQuery {
  search?: string;
  state?: PatientState;
  /** `next` of the previous page. */
  after?: string;
}

const START: Record<OperationType, string> = {
  full_patients: 'sync-all',
  active_patients: 'sync-active',
  changed_patients: 'sync-changed',
};

/**
 * @param baseUrl of the server, without a trailing slash; '' is the page's own origin
 * @param fetchNow `fetch`, or a wrapper that adds credentials
 */
export function createApi(baseUrl: string, fetchNow: typeof fetch): Api {
  const request = requestBy(fetchNow);
  const get = <T extends z.core.$ZodType>(path: string, schema: T) =>
    request(`${baseUrl}/api/v1/${path}`, schema);
  const post = <T extends z.core.$ZodType>(path: string, schema: T) =>
    request(`${baseUrl}/api/v1/${path}`, schema, { method: 'POST' });
  const send = <T extends z.core.$ZodType>(method: 'POST' | 'PUT', path: string, schema: T, body: unknown) =>
    request(`${baseUrl}/api/v1/${path}`, schema, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    startSync: (id, type) => post(`cliniko/${START[type]}/${id}`, StartedSync),
    cancelSync: (id, run) => post(`cliniko/sync-logs/${id}/${run}/cancel`, SyncLog),
    organization: (id) => get(`organizations/${id}`, Organization),
    organizations: () => get('organizations', OrganizationList),
    saveOrganization: (id, change) => send('PUT', `organizations/${id}`, Organization, change),
    saveCheckedKey: (id, api_key) =>
      send('PUT', `organizations/${id}/cliniko-credentials`, z.undefined(), { api_key, check: true }),
    verifyKey: (id, api_key) =>
      send('POST', `organizations/${id}/cliniko-credentials/verify`, KeyVerdict, { api_key }),
    verifyStoredKey: (id) => post(`organizations/${id}/cliniko-credentials/verify`, KeyVerdict),
    summary: (id) => get(`cliniko/patients/${id}/summary`, PatientSummary),
    runs: async (id, filter = {}) =>
      (await get(`cliniko/sync-logs/${id}?${searchOf(filter)}`, SyncLogList)).logs,
    run: (id, run) => get(`cliniko/sync-logs/${id}/${run}`, SyncLog),
    timeline: (id, run) => get(`cliniko/sync-logs/${id}/${run}/timeline`, Timeline),
    patientsToCheck: (id) => get(`cliniko/patients/${id}/to-check`, PatientsToCheck),
    listToCheck: (id, reason, { limit, after }) =>
      get(
        `cliniko/patients/${id}/to-check/${reason}?limit=${limit}${after === undefined ? '' : `&after=${after}`}`,
        PatientsToCheckPage,
      ),
    fileToCheck: async (id, reason) => {
      const path = `cliniko/patients/${id}/to-check/${reason}?format=csv`;
      return await fileBy(fetchNow, `${baseUrl}/api/v1/${path}`);
    },
    confirmMissing: (id) => post(`cliniko/patients/${id}/missing/confirm`, ConfirmedMissing),
    releaseHeld: (id) => post(`cliniko/patients/${id}/missing/release`, ReleasedHeld),
    retryQuarantine: (id) => post(`cliniko/quarantine/${id}/retry`, QuarantineRetry),
    analytics: (id) => get(`cliniko/analytics/${id}`, Analytics),
    signIn: (code) => send('POST', 'sign-in', z.undefined(), { code }),
    identityProvider: async () => (await get('sign-in', SignInAnswer)).identity_provider,
    signInAtProvider: async (return_to) =>
      (await send('POST', 'sign-in/oidc', ProviderAnswer, { return_to })).location,
    signOut: (everywhere) => send('POST', 'sign-out', z.undefined(), { everywhere }),
    account: () => get('account', AccountAnswer),
    overview: (after) => get(`overview${after === 0 ? '' : `?after=${after}`}`, Overview),
    recentRuns: async (since, status) =>
      (await get(`runs?${new URLSearchParams({ since, ...(status && { status }) })}`, RecentRuns)).runs,
    createOperation: (body) => send('POST', 'operations', CreatedOperation, body),
    operation: (id) => get(`operations/${id}`, BulkOperation),
    cancelOperation: (id) => post(`operations/${id}/cancel`, BulkOperation),
    pause: () => get('pause', Pause),
    savePause: (change) => send('PUT', 'pause', Pause, change),
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

export function requestBy(send: typeof fetch) {
  return async <T extends z.core.$ZodType>(
    url: string,
    schema: T,
    init?: RequestInit,
  ): Promise<z.infer<T>> => {
    const response = await send(url, init).catch(unreachable);
    const body: unknown = await response.json().catch(() => undefined);
    const answer = z.safeParse(schema, body);
    if (response.ok && answer.success) return answer.data;
    throw errorOf(response, body);
  };
}

async function fileBy(send: typeof fetch, url: string): Promise<Blob> {
  const response = await send(url).catch(unreachable);
  if (response.ok) return await response.blob().catch(unreachable);
  throw errorOf(response, await response.json().catch(() => undefined));
}

function unreachable(cause: unknown): never {
  throw new ApiError(
    'The server cannot be reached. Check your internet connection, then try again.',
    {},
    { cause },
  );
}

function errorOf({ status }: Response, body: unknown): ApiError {
  const problem = Problem.safeParse(body);
  if (problem.success) {
    const { detail, code, field } = problem.data;
    return new ApiError(detail, { code, status, field });
  }
  return new ApiError(`The server gave an answer that this page does not understand (${status}).`, {
    status,
  });
}
