/** `/status` and `/test-connection` of the old service, in all the shapes that its clients read. */
import type { Context, Hono } from 'hono';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { ClinikoError } from '../cliniko/error.ts';
import { clinikoBaseUrl } from '../cliniko/shard.ts';
import type { PatientPage } from '../cliniko/source.ts';
import { pathId } from '../http/parameters.ts';
import { organizationNotFound } from '../http/problem.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import { countPatients } from '../patients/summary.ts';
import { limitTime } from '../timing/time-limit.ts';
import type { LegacyDeps } from './deps.ts';
import { credentialsValid, lastSyncTime, type Overview, readOverview } from './overview.ts';
import { lenientFlag, lenientNumber } from './query.ts';

const CONNECTION_TIMEOUT_MS = 10_000;

/** Above this share of what Cliniko has, the old panels show a healthy sync rate. */
const HIGH_SYNC_RATE = 95;

export function addStatusRoutes(routes: Hono, deps: LegacyDeps): void {
  const { database, answers } = deps;
  routes.get('/api/v1/cliniko/status/:orgId', (c) => {
    const organizationId = pathId(c, 'orgId');
    const logsLimit = lenientNumber(c, 'logs_limit', { fallback: 5, min: 1, max: 100 });
    const wants = { logs: lenientFlag(c, 'include_logs'), health: lenientFlag(c, 'include_health_check') };
    return answers.answer(c, organizationId, async () => {
      const overview = await readOverview(database, organizationId, logsLimit);
      const region = await regionOf(deps, organizationId, overview);
      return {
        ...statusOf(organizationId, overview, region),
        ...(wants.logs && logsOf(overview.logs)),
        ...(wants.health && { health_check: healthOf(overview) }),
      };
    });
  });
  routes.get('/api/v1/cliniko/test-connection/:orgId', (c) => testConnection(c, deps));
}

function statusOf(organizationId: number, overview: Overview, region: string | null) {
  const { counts, latest, latestCompleted, organization } = overview;
  const lastSync = lastSyncTime(overview);
  return {
    organization_id: organizationId,
    last_sync_time: lastSync,
    total_patients: counts.total,
    active_patients: counts.active,
    synced_patients: counts.total,
    sync_percentage: overview.syncPercentage,
    status: counts.total > 0 || latestCompleted !== undefined ? 'connected' : 'no_data',
    last_sync: lastSync,
    sync_status: latest?.status ?? 'never',
    sync_duration: durationOf(latestCompleted),
    operation_type: latest?.operation_type ?? null,
    patient_counts: {
      total_in_cliniko: overview.totalInCliniko,
      synced_to_database: counts.total,
      success_rate: overview.syncPercentage,
    },
    total_contacts: counts.total,
    upcoming_appointments: 0,
    cliniko_connected: credentialsValid(overview),
    api_region: region,
    sync_enabled: organization?.has_credentials === true,
    credentials_valid: credentialsValid(overview),
  };
}

function logsOf(logs: readonly SyncLog[]) {
  const shown = logs.map((log) => ({ ...log, error_message: log.error_details }));
  return { sync_logs: shown, sync_logs_count: shown.length };
}

function healthOf(overview: Overview) {
  const hasCredentials = overview.organization?.has_credentials === true;
  return {
    has_credentials: hasCredentials,
    credentials_active: credentialsValid(overview),
    sync_enabled: hasCredentials,
    has_patients: overview.counts.total > 0,
    has_synced_data: overview.latestCompleted !== undefined,
    high_sync_rate: overview.syncPercentage >= HIGH_SYNC_RATE,
    service_last_sync: lastSyncTime(overview),
  };
}

function durationOf(log: SyncLog | undefined): string | null {
  if (log === undefined || log.completed_at === null) return null;
  const ms = Date.parse(log.completed_at) - Date.parse(log.started_at);
  return ms >= 0 ? formatDuration(ms) : null;
}

/** `au2`, from the shard of the stored key; null without a key. */
async function regionOf(
  { database, sealer }: LegacyDeps,
  organizationId: number,
  { organization }: Overview,
): Promise<string | null> {
  if (organization?.has_credentials !== true) return null;
  // A key that does not open says nothing about a region; the routes for keys report that.
  const apiKey = await readApiKey(database, sealer, organizationId).catch(() => undefined);
  return apiKey === undefined ? null : (/api\.(\w+)\.cliniko/.exec(clinikoBaseUrl(apiKey))?.[1] ?? null);
}

async function testConnection(c: Context, deps: LegacyDeps): Promise<Response> {
  const { database, sealer, sourceFor } = deps;
  const organizationId = pathId(c, 'orgId');
  const organization = await findOrganization(database, organizationId);
  if (organization === undefined) throw organizationNotFound(organizationId);
  const refuse = (message: string, error: string) =>
    c.json(
      {
        success: false,
        message,
        error,
        organization_id: organizationId,
        status: 'error',
        connection_test: 'failed',
      },
      200,
      { 'cache-control': 'no-store' },
    );
  const apiKey = await readApiKey(database, sealer, organizationId).catch(() => undefined);
  if (apiKey === undefined) {
    return refuse(
      "No Cliniko API key is stored that this server can open. Add the organization's key.",
      'NO_API_KEY',
    );
  }
  const page = await readFirstPatient(sourceFor(apiKey));
  if (page instanceof ConnectionRefusal) return refuse(page.message, page.code);
  const counts = await countPatients(database.sql, organizationId);
  return c.json(
    {
      success: true,
      message: 'Cliniko accepts the API key, and it may read patients.',
      organization_id: organizationId,
      api_url: deps.clinikoBaseUrl ?? clinikoBaseUrl(apiKey),
      practitioners_count: 0,
      total_patients_available: page.totalEntries ?? page.records.length,
      total_patients: counts.total,
      sample_patients_available: page.records.length > 0,
      sample_patients_count: Math.min(1, page.records.length),
      status: 'connected',
      api_version: 'v1',
      connection_test: 'passed',
      organization: { name: organization.name ?? '' },
    },
    200,
    { 'cache-control': 'no-store' },
  );
}

class ConnectionRefusal {
  readonly code: string;
  readonly message: string;

  constructor(code: string, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** One request from the shared budget: a user at a form learns at once when Cliniko's limit makes the request wait. */
async function readFirstPatient(
  source: ReturnType<LegacyDeps['sourceFor']>,
): Promise<PatientPage | ConnectionRefusal> {
  const mustWait = new AbortController();
  const limit = limitTime(CONNECTION_TIMEOUT_MS, mustWait.signal);
  try {
    const query = { page: 1, perPage: 1, filters: ['archived_at:*'], sort: 'id:asc' };
    return await source.page(query, { signal: limit.signal, onWait: () => mustWait.abort() });
  } catch (error) {
    if (mustWait.signal.aborted) {
      return new ConnectionRefusal(
        'RATE_LIMITED',
        "Cliniko's request limit is used up for now. Try again in a minute.",
      );
    }
    return refusalOf(error);
  } finally {
    limit.clear();
  }
}

function refusalOf(error: unknown): ConnectionRefusal {
  const kind = error instanceof ClinikoError ? error.failure.kind : 'unavailable';
  switch (kind) {
    case 'unauthorised':
      return new ConnectionRefusal(
        'CLINIKO_AUTH_FAILED',
        'Cliniko refuses the API key. Store the current one.',
      );
    case 'forbidden':
      return new ConnectionRefusal(
        'CLINIKO_FORBIDDEN',
        'The user of this API key may not read patients in Cliniko.',
      );
    case 'rate-limited':
      return new ConnectionRefusal(
        'RATE_LIMITED',
        'Cliniko limits the requests of this key. Try again in a minute.',
      );
    default:
      return new ConnectionRefusal(
        'CLINIKO_UNAVAILABLE',
        'Cliniko could not be reached. Try again in a minute.',
      );
  }
}
