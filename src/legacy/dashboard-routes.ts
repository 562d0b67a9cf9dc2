/** What old dashboards and admin panels poll: totals, the current sync, recent activity, the connected service. */
import type { Context, Hono } from 'hono';
import { isCancelled, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { pathId } from '../http/parameters.ts';
import type { LegacyDeps } from './deps.ts';
import { credentialsValid, lastSyncTime, type Overview, readOverview } from './overview.ts';
import { progressStatus, wholePercentage } from './progress.ts';
import { lenientNumber } from './query.ts';
import { readSyncIds } from './read-runs.ts';

const HISTORY_LENGTH = 10;
const ACTIVE_WITHIN_MS = 24 * 60 * 60_000;

export function addDashboardRoutes(routes: Hono, deps: LegacyDeps): void {
  const { database, answers } = deps;
  const answer = (path: string, build: (organizationId: number, c: Context) => Promise<object>) =>
    routes.get(path, (c) => {
      const organizationId = pathId(c, 'orgId');
      return answers.answer(c, organizationId, () => build(organizationId, c));
    });
  answer('/api/v1/sync/dashboard/:orgId', (id) => readSyncDashboard(deps, id));
  answer('/api/v1/cliniko/sync/dashboard/:orgId', (id) => readSyncDashboard(deps, id));
  // Clients read any of the keys from any of the three, so all have all.
  const dashboard = (path: string, limitName: string, fallback: number) =>
    answer(path, async (id, c) => {
      const limit = lenientNumber(c, limitName, { fallback, min: 1, max: 100 });
      const overview = await readOverview(database, id, limit);
      return {
        success: true,
        organization_id: id,
        summary: summaryOf(id, overview),
        recent_activity: activityOf(overview),
      };
    });
  dashboard('/api/v1/dashboard/:orgId', 'activity_limit', 10);
  dashboard('/api/v1/dashboard/:orgId/summary', 'activity_limit', 10);
  dashboard('/api/v1/dashboard/:orgId/activity', 'limit', 20);
  answer('/api/v1/admin/organization-services/:orgId', async (id) =>
    servicesOf(id, await readOverview(database, id, 1)),
  );
}

async function readSyncDashboard({ database }: LegacyDeps, organizationId: number) {
  const overview = await readOverview(database, organizationId, HISTORY_LENGTH);
  const { counts, latest } = overview;
  const running = overview.logs.find(({ status }) => status === 'running');
  const ended = overview.logs.find(({ status }) => status !== 'running');
  const ids = running && (await readSyncIds(database.sql, [running]));
  return {
    organization_id: organizationId,
    current_sync: running === undefined ? null : currentSyncOf(running, ids?.get(running.id) ?? ''),
    patient_stats: {
      total_patients: counts.total,
      active_patients: counts.active,
      patients_with_upcoming: 0,
      patients_with_recent: 0,
      last_sync_time: lastSyncTime(overview),
    },
    last_sync: lastSyncOf(ended ?? latest),
    sync_available: true,
    sync_history: overview.logs,
    health_check: {
      has_credentials: overview.hasCredentials,
      credentials_valid: credentialsValid(overview),
      has_patients: counts.total > 0,
      has_active_patients: counts.active > 0,
      high_link_rate: overview.isHighPercentage,
    },
  };
}

function currentSyncOf(log: SyncLog, syncId: string) {
  const found = log.metadata.patients_found ?? 0;
  return {
    sync_id: syncId,
    status: progressStatus(log),
    progress_percentage: wholePercentage(log),
    current_step: stepText(log),
    patients_found: found,
    appointments_found: 0,
    active_patients_identified: found,
    active_patients_stored: log.records_success,
  };
}

function lastSyncOf(log: SyncLog | undefined) {
  if (log === undefined) return null;
  const { status, started_at, completed_at, records_success } = log;
  return { status, started_at, completed_at, records_success };
}

function summaryOf(organizationId: number, overview: Overview) {
  const { counts, syncPercentage } = overview;
  const lastSync = lastSyncTime(overview);
  const isRecent = lastSync !== null && Date.now() - Date.parse(lastSync) < ACTIVE_WITHIN_MS;
  return {
    organization_id: organizationId,
    total_patients: counts.total,
    active_patients: counts.active,
    patients_with_upcoming: 0,
    patients_with_recent: 0,
    total_upcoming_appointments: 0,
    total_recent_appointments: 0,
    total_all_appointments: 0,
    avg_upcoming_per_patient: 0,
    avg_recent_per_patient: 0,
    avg_total_per_patient: 0,
    engagement_rate: 0,
    last_sync_time: lastSync,
    synced_patients: counts.total,
    sync_percentage: syncPercentage,
    integration_status: integrationStatus(overview),
    activity_status: isRecent ? 'Active' : 'Inactive',
    generated_at: new Date().toISOString(),
  };
}

function integrationStatus(overview: Overview): 'Connected' | 'Partial' | 'Not Connected' {
  if (!overview.hasCredentials) return overview.counts.total > 0 ? 'Partial' : 'Not Connected';
  return credentialsValid(overview) && overview.counts.total > 0 ? 'Connected' : 'Partial';
}

function activityOf({ logs }: Overview) {
  return logs.map((log) => ({
    id: log.id,
    source_system: 'cliniko',
    operation_type: log.operation_type,
    status: log.status,
    records_processed: log.records_processed,
    records_success: log.records_success,
    records_failed: log.records_failed,
    started_at: log.started_at,
    completed_at: log.completed_at,
    activity_type: activityType(log),
    description: description(log),
    minutes_ago: Math.max(
      0,
      Math.floor((Date.now() - Date.parse(log.completed_at ?? log.started_at)) / 60_000),
    ),
  }));
}

function activityType(log: SyncLog): 'success' | 'partial' | 'error' | 'running' {
  if (log.status === 'running') return 'running';
  if (log.status === 'failed') return 'error';
  return log.records_failed > 0 ? 'partial' : 'success';
}

/** Counts and reasons, never a name. */
function description(log: SyncLog): string {
  if (log.status === 'running') return `Sync running: ${wholePercentage(log)}%`;
  if (isCancelled(log)) return 'Sync cancelled';
  if (log.status === 'failed') return `Sync failed: ${log.error_details ?? 'no reason was given'}`;
  const failed = log.records_failed > 0 ? `, ${log.records_failed} failed` : '';
  return `Synced ${log.records_success} patients${failed}`;
}

function servicesOf(organizationId: number, overview: Overview) {
  const isConnected = overview.hasCredentials;
  const services = isConnected
    ? [
        {
          id: organizationId,
          service_name: 'cliniko',
          is_active: true,
          sync_enabled: true,
          last_sync_at: lastSyncTime(overview),
          service_config: {},
        },
      ]
    : [];
  return {
    organization_id: organizationId,
    services,
    total_services: services.length,
    active_services: services.length,
    primary_service: 'cliniko',
    available_integrations: isConnected ? ['cliniko'] : [],
  };
}
