/** `/test-connection`: whether Cliniko accepts the stored key. At most two requests, from the budget that syncs share. */
import type { Context, Hono } from 'hono';
import { askOnce } from '../cliniko/ask-once.ts';
import { ClinikoError } from '../cliniko/error.ts';
import { clinikoBaseUrl } from '../cliniko/shard.ts';
import { pathId } from '../http/parameters.ts';
import { organizationNotFound } from '../http/problem.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import { countPatients } from '../patients/summary.ts';
import type { LegacyDeps } from './deps.ts';

type Source = ReturnType<LegacyDeps['sourceFor']>;

const FIRST_PATIENT = { page: 1, perPage: 1, filters: ['archived_at:*'], sort: 'id:asc' };

export function addTestConnectionRoute(routes: Hono, deps: LegacyDeps): void {
  routes.get('/api/v1/cliniko/test-connection/:orgId', async (c) => c.json(await testConnection(c, deps)));
}

async function testConnection(
  c: Context,
  { database, endReads, sealer, sourceFor, clinikoBaseUrl: configured }: LegacyDeps,
) {
  const organizationId = pathId(c, 'orgId');
  const organization = await findOrganization(database, organizationId);
  if (organization === undefined) return failed(organizationId, notRegistered(organizationId));
  const apiKey = await readApiKey(database, sealer, organizationId).catch(() => undefined);
  if (apiKey === undefined) return failed(organizationId, NO_KEY);
  const counts = await countPatients(database.sql, organizationId);
  endReads();
  const source = sourceFor(apiKey);
  const page = await askOnce((options) => source.page(FIRST_PATIENT, options)).catch(refusalOf);
  if ('error' in page) return failed(organizationId, page);
  return {
    success: true,
    message: 'Cliniko accepts the API key, and it may read patients.',
    organization_id: organizationId,
    api_url: configured ?? clinikoBaseUrl(apiKey),
    practitioners_count: await countPractitioners(source),
    total_patients_available: page.totalEntries ?? page.records.length,
    total_patients: counts.total,
    sample_patients_available: page.records.length > 0,
    sample_patients_count: Math.min(1, page.records.length),
    status: 'connected',
    api_version: 'v1',
    connection_test: 'passed',
    organization: { name: organization.name ?? '' },
  };
}

/** The key may read patients but not practitioners; that is no failure of the connection. */
function countPractitioners(source: Source): Promise<number> {
  return askOnce((options) => source.countPractitioners(options)).catch(() => 0);
}

interface Refusal {
  error: string;
  message: string;
}

function failed(organizationId: number, { error, message }: Refusal) {
  return {
    success: false,
    message,
    error,
    organization_id: organizationId,
    status: 'error',
    connection_test: 'failed',
  };
}

/** Panels of the old service expect an answer with a body of this form, whatever fails. */
function notRegistered(organizationId: number): Refusal {
  const { code, message } = organizationNotFound(organizationId);
  return { error: code, message };
}

const NO_KEY: Refusal = {
  error: 'NO_API_KEY',
  message: "No Cliniko API key is stored that this server can open. Add the organization's key.",
};

function refusalOf(error: unknown): Refusal {
  const kind = error instanceof ClinikoError ? error.failure.kind : 'unavailable';
  switch (kind) {
    case 'unauthorised':
      return { error: 'CLINIKO_AUTH_FAILED', message: 'Cliniko refuses the API key. Store the current one.' };
    case 'forbidden':
      return {
        error: 'CLINIKO_FORBIDDEN',
        message: 'The user of this API key may not read patients in Cliniko.',
      };
    case 'rate-limited':
      return {
        error: 'CLINIKO_RATE_LIMITED',
        message: "Cliniko's request limit for this key is used up. Try again in a minute.",
      };
    case 'unavailable':
    case 'unreadable':
      return {
        error: 'CLINIKO_UNAVAILABLE',
        message: 'Cliniko could not be reached. Try again in a minute.',
      };
    default:
      return kind satisfies never;
  }
}
