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
  const rule = message.replace(/^"[^"]*" /, '');
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

/** A request with a body of JSON. */
export const jsonRequest = (method: 'POST' | 'PUT', body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export type Api = ReturnType<typeof createApi>;

/**
 * @param baseUrl of the server, without a trailing slash; '' is the page's own origin
 * @param fetchNow `fetch`, or a wrapper that adds credentials
 */
export function createApi(baseUrl: string, fetchNow: typeof fetch) {
  const requests = requestsTo(`${baseUrl}/api/v1/`, fetchNow);
  return {
    ...runRequests(requests),
    ...organizationRequests(requests),
    ...patientRequests(requests),
    ...accountRequests(requests),
    ...consoleRequests(requests),
  };
}

function requestsTo(base: string, fetchNow: typeof fetch) {
  const request = requestBy(fetchNow);
  return {
    get: <T extends z.core.$ZodType>(path: string, schema: T) => request(`${base}${path}`, schema),
    post: <T extends z.core.$ZodType>(path: string, schema: T) =>
      request(`${base}${path}`, schema, { method: 'POST' }),
    send: <T extends z.core.$ZodType>(method: 'POST' | 'PUT', path: string, schema: T, body: unknown) =>
      request(`${base}${path}`, schema, jsonRequest(method, body)),
    file: (path: string) => fileBy(fetchNow, `${base}${path}`),
  };
}
type Requests = ReturnType<typeof requestsTo>;

const runRequests = ({ get, post }: Requests) => ({
  /** Also returns a run that was already active. */
  startSync: (id: number, type: OperationType) => post(`cliniko/${START[type]}/${id}`, StartedSync),
  cancelSync: (id: number, run: number) => post(`cliniko/sync-logs/${id}/${run}/cancel`, SyncLog),
  /** Newest first. */
  runs: async (id: number, filter: RunFilter = {}) =>
    (await get(`cliniko/sync-logs/${id}?${searchOf(filter)}`, SyncLogList)).logs,
  run: (id: number, run: number) => get(`cliniko/sync-logs/${id}/${run}`, SyncLog),
  timeline: (id: number, run: number) => get(`cliniko/sync-logs/${id}/${run}/timeline`, Timeline),
  analytics: (id: number) => get(`cliniko/analytics/${id}`, Analytics),
});

const organizationRequests = ({ get, post, send }: Requests) => ({
  organization: (id: number) => get(`organizations/${id}`, Organization),
  organizations: () => get('organizations', OrganizationList),
  /** Registers the organization if it is unknown. */
  saveOrganization: (id: number, change: OrganizationChange) =>
    send('PUT', `organizations/${id}`, Organization, change),
  /** Stores the key only when Cliniko accepts it. */
  saveCheckedKey: (id: number, api_key: string) =>
    send('PUT', `organizations/${id}/cliniko-credentials`, z.undefined(), { api_key, check: true }),
  /** Asks Cliniko about a key, which is not stored; the organization need not be registered. */
  verifyKey: (id: number, api_key: string) =>
    send('POST', `organizations/${id}/cliniko-credentials/verify`, KeyVerdict, { api_key }),
  /** Asks Cliniko about the stored key. */
  verifyStoredKey: (id: number) => post(`organizations/${id}/cliniko-credentials/verify`, KeyVerdict),
});

const patientRequests = ({ get, post, file }: Requests) => ({
  summary: (id: number) => get(`cliniko/patients/${id}/summary`, PatientSummary),
  /** Ordered by Cliniko id. */
  patients: (id: number, query: PatientQuery) =>
    get(`cliniko/patients/${id}?${patientSearchOf(query)}`, PatientList),
  /** How many patients a person has to look at, by reason. */
  patientsToCheck: (id: number) => get(`cliniko/patients/${id}/to-check`, PatientsToCheck),
  listToCheck: (id: number, reason: CheckReason, { limit, after }: CheckPageQuery) =>
    get(
      `cliniko/patients/${id}/to-check/${reason}?limit=${limit}${after === undefined ? '' : `&after=${after}`}`,
      PatientsToCheckPage,
    ),
  /** All patients of a reason as CSV. */
  fileToCheck: (id: number, reason: CheckReason) =>
    file(`cliniko/patients/${id}/to-check/${reason}?format=csv`),
  /** The held patients are gone. @param held as many as the person has decided about: any other number is refused */
  confirmMissing: (id: number, held: number) =>
    post(`cliniko/patients/${id}/missing/confirm?held=${held}`, ConfirmedMissing),
  /** The held patients are still in Cliniko. */
  releaseHeld: (id: number, held: number) =>
    post(`cliniko/patients/${id}/missing/release?held=${held}`, ReleasedHeld),
  retryQuarantine: (id: number) => post(`cliniko/quarantine/${id}/retry`, QuarantineRetry),
});

const accountRequests = ({ get, send }: Requests) => ({
  /** Opens a session on this device with the code of a sign-in link. */
  signIn: (code: string) => send('POST', 'sign-in', z.undefined(), { code }),
  /** The name of the server's identity provider; null: there is none. */
  identityProvider: async () => (await get('sign-in', SignInAnswer)).identity_provider,
  /** @returns the address of the provider */
  signInAtProvider: async (return_to: string) =>
    (await send('POST', 'sign-in/oidc', ProviderAnswer, { return_to })).location,
  /** Ends the session of this device, or all sessions of its account. */
  signOut: (everywhere: boolean) => send('POST', 'sign-out', z.undefined(), { everywhere }),
  account: () => get('account', AccountAnswer),
});

const consoleRequests = ({ get, post, send }: Requests) => ({
  /** One page of organizations with greater ids. */
  overview: (after: number) => get(`overview${after === 0 ? '' : `?after=${after}`}`, Overview),
  /** Of all organizations, newest first. @param since ISO 8601 */
  recentRuns: async (since: string, status?: SyncStatus) =>
    (await get(`runs?${new URLSearchParams({ since, ...(status && { status }) })}`, RecentRuns)).runs,
  createOperation: (body: OperationRequest) => send('POST', 'operations', CreatedOperation, body),
  operation: (id: number) => get(`operations/${id}`, BulkOperation),
  cancelOperation: (id: number) => post(`operations/${id}/cancel`, BulkOperation),
  /** For administrators of all organizations. */
  pause: () => get('pause', Pause),
  savePause: (change: PauseRequest) => send('PUT', 'pause', Pause, change),
});

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
