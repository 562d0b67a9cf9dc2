/** `/status` of the old service, in all the shapes that its clients read. */
import type { Hono } from 'hono';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { shardOf } from '../cliniko/shard.ts';
import { pathId } from '../http/parameters.ts';
import { readApiKey } from '../organizations/organizations.ts';
import type { LegacyDeps } from './deps.ts';
import { credentialsValid, lastSyncTime, type Overview, readOverview } from './overview.ts';
import { lenientFlag, lenientNumber } from './query.ts';

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
}

function statusOf(organizationId: number, overview: Overview, region: string | null) {
  const { counts, latest, latestCompleted, hasCredentials, isRegistered } = overview;
  const lastSync = lastSyncTime(overview);
  // The logs of a deleted organization stay.
  const hasSynced = isRegistered && latestCompleted !== undefined;
  return {
    organization_id: organizationId,
    last_sync_time: lastSync,
    total_patients: counts.total,
    active_patients: counts.active,
    synced_patients: counts.total,
    sync_percentage: overview.syncPercentage,
    status: counts.total > 0 || hasSynced ? 'connected' : 'no_data',
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
    sync_enabled: hasCredentials,
    credentials_valid: credentialsValid(overview),
  };
}

function logsOf(logs: readonly SyncLog[]) {
  const shown = logs.map((log) => ({ ...log, error_message: log.error_details }));
  return { sync_logs: shown, sync_logs_count: shown.length };
}

function healthOf(overview: Overview) {
  return {
    has_credentials: overview.hasCredentials,
    credentials_active: credentialsValid(overview),
    sync_enabled: overview.hasCredentials,
    has_patients: overview.counts.total > 0,
    has_synced_data: overview.latestCompleted !== undefined,
    high_sync_rate: overview.isHighPercentage,
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
  { hasCredentials }: Overview,
): Promise<string | null> {
  if (!hasCredentials) return null;
  // A key that does not open says nothing about a region; the routes for keys report that.
  const apiKey = await readApiKey(database, sealer, organizationId).catch(() => undefined);
  return apiKey === undefined ? null : shardOf(apiKey);
}
