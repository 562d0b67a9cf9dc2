/**
 * The requests that the pages make, typed by the contract. Whatever goes wrong is one `ApiError` whose message may be
 * shown as it is.
 *
 * Not here: watching (live/).
 */
import type { z } from 'zod';
import { Organization, OrganizationList } from '../../src/contract/organization.ts';
import { PatientSummary, QuarantineList } from '../../src/contract/patients.ts';
import { Problem, type ProblemCode } from '../../src/contract/problem.ts';
import { StartedSync, type SyncLog, SyncLogList } from '../../src/contract/sync-log.ts';

/** `code` is undefined where no server of ours answered: a proxy did, or nobody. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ProblemCode | undefined;

  constructor(message: string, code: ProblemCode | undefined, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type StartableSync = 'full_patients' | 'active_patients';

export interface Api {
  /** Also answers with a run that was going on already. */
  startSync(organizationId: number, type: StartableSync): Promise<StartedSync>;
  organization(organizationId: number): Promise<Organization>;
  organizations(): Promise<OrganizationList>;
  summary(organizationId: number): Promise<PatientSummary>;
  /** The newest 20 runs. */
  runs(organizationId: number): Promise<SyncLog[]>;
  quarantine(organizationId: number): Promise<QuarantineList>;
}

const START: Record<StartableSync, string> = { full_patients: 'sync-all', active_patients: 'sync-active' };

/** @param baseUrl of the server, without a slash at its end; '' is the own origin */
export function createApi(baseUrl: string): Api {
  const get = <T extends z.ZodType>(path: string, schema: T) => request(`${baseUrl}/api/v1/${path}`, schema);
  return {
    startSync: (id, type) =>
      request(`${baseUrl}/api/v1/cliniko/${START[type]}/${id}`, StartedSync, { method: 'POST' }),
    organization: (id) => get(`organizations/${id}`, Organization),
    organizations: () => get('organizations', OrganizationList),
    summary: (id) => get(`cliniko/patients/${id}/summary`, PatientSummary),
    runs: async (id) => (await get(`cliniko/sync-logs/${id}?limit=20`, SyncLogList)).logs,
    quarantine: (id) => get(`cliniko/quarantine/${id}`, QuarantineList),
  };
}

async function request<T extends z.ZodType>(url: string, schema: T, init?: RequestInit): Promise<z.infer<T>> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new ApiError('The server cannot be reached. Check that it is running.', undefined, { cause });
  });
  const body: unknown = await response.json().catch(() => undefined);
  const answer = schema.safeParse(body);
  if (response.ok && answer.success) return answer.data;
  const problem = Problem.safeParse(body);
  if (problem.success) throw new ApiError(problem.data.detail, problem.data.code);
  throw new ApiError(
    `The server gave an answer that this page does not understand (${response.status}).`,
    undefined,
  );
}
