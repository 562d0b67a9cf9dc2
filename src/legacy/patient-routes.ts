/** The old patient lists and their summaries. Appointments are not stored here: counts of them are 0, lists are empty. */
import type { Context, Hono } from 'hono';
import { pathId } from '../http/parameters.ts';
import type { LegacyDeps } from './deps.ts';
import { type LegacyPatient, readLegacyPatients } from './legacy-patients.ts';
import { lastSyncTime, readOverview } from './overview.ts';
import { lenientFlag, lenientNumber } from './query.ts';

export function addPatientRoutes(routes: Hono, deps: LegacyDeps): void {
  const { database } = deps;
  routes.get('/api/v1/cliniko/active-patients/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const page = {
      limit: lenientNumber(c, 'limit', { fallback: 50, min: 1, max: 500 }),
      offset: lenientNumber(c, 'offset', { fallback: 0, min: 0, max: 10_000_000 }),
    };
    const { patients, total } = await readLegacyPatients(database.sql, organizationId, {
      ...page,
      search: c.req.query('search') || undefined,
      syncedAfter: momentOf(c.req.query('last_synced_after')),
    });
    return c.json({
      active_patients: patients,
      patients,
      total_count: total,
      organization_id: organizationId,
      pagination: { total, ...page, has_next: page.offset + patients.length < total },
    });
  });
  const summary = async (c: Context) => {
    const organizationId = pathId(c, 'orgId');
    return c.json({ ...(await readSummary(deps, organizationId)), timestamp: new Date().toISOString() });
  };
  routes.get('/api/v1/cliniko/active-patients-summary/:orgId', summary);
  routes.get('/api/v1/cliniko/active-patients/:orgId/summary', summary);
  routes.get('/api/v1/cliniko/patients/:orgId/stats', async (c) => c.json(await readStats(c, deps)));
}

async function readSummary(deps: LegacyDeps, organizationId: number) {
  const overview = await readOverview(deps.database, organizationId, 1);
  return {
    total_active_patients: overview.counts.active,
    avg_recent_appointments: 0,
    avg_upcoming_appointments: 0,
    avg_total_appointments: 0,
    patients_with_recent_appointments: 0,
    patients_with_upcoming_appointments: 0,
    last_sync_date: lastSyncTime(overview),
    organization_id: organizationId,
  };
}

async function readStats(c: Context, deps: LegacyDeps) {
  const organizationId = pathId(c, 'orgId');
  const includeDetails = lenientFlag(c, 'include_details');
  const withAppointmentsOnly = lenientFlag(c, 'with_appointments_only');
  const limit = lenientNumber(c, 'limit', { fallback: 50, min: 1, max: 500 });
  const summary = await readSummary(deps, organizationId);
  // No appointment is stored, so none of the patients has one.
  const details: LegacyPatient[] =
    includeDetails && !withAppointmentsOnly
      ? (await readLegacyPatients(deps.database.sql, organizationId, { limit, offset: 0 })).patients
      : [];
  return {
    ...summary,
    filters: { with_appointments_only: withAppointmentsOnly, include_details: includeDetails },
    ...(includeDetails && { patient_details: details, patient_details_count: details.length }),
    timestamp: new Date().toISOString(),
  };
}

const WITHOUT_ZONE = /[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/i;

/**
 * A time without a zone is UTC, as Python prints it; `Date` takes it for the time zone of the server. An invalid time filters nothing, as
 * does one outside of the years 1 to 9999, which PostgreSQL cannot read in this form.
 */
function momentOf(text = ''): Date | undefined {
  const date = new Date(WITHOUT_ZONE.test(text) ? `${text}Z` : text);
  const isStorable = !Number.isNaN(date.getTime()) && /^(?!0000)\d{4}-/.test(date.toISOString());
  return isStorable ? date : undefined;
}
