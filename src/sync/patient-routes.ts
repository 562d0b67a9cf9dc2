/** Routes for dashboards besides the runs: totals, quarantine, analytics. They are here because the totals name the last run. */
import { type Context, Hono } from 'hono';
import type { ISql, Sql } from 'postgres';
import { formatCount, formatPatients } from '#contract/count.ts';
import type { ConfirmedMissing, MissingPatients, QuarantineRetry, ReleasedHeld } from '#contract/patients.ts';
import { appendAudit } from '../audit/append.ts';
import { ClinikoError } from '../cliniko/error.ts';
import type { Database } from '../database/open.ts';
import { SealError, type Sealer } from '../encryption/sealer.ts';
import { readAnalytics } from '../events/analytics.ts';
import type { HistoryReads } from '../events/history-reads.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import { csvOf, csvResponse, wantsCsv } from '../http/csv.ts';
import { pathId, queryCount } from '../http/parameters.ts';
import { auditOrigin } from '../http/principal.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { deletedIsNotFound } from '../organizations/not-found.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import type { OrganizationDeps } from '../organizations/routes.ts';
import { KEY_DOES_NOT_OPEN } from '../organizations/verify-api-key.ts';
import { confirmMissing, listAbsent, readPendingMissing, releaseHeld } from '../patients/missing-patients.ts';
import { listQuarantine } from '../patients/quarantine.ts';
import { retryQuarantine } from '../patients/retry-quarantine.ts';
import { countPatients } from '../patients/summary.ts';
import { interruptAndRun } from './exclusive-transaction.ts';

/** Time limit of a quarantine retry, below that of a request (server/app.ts). What was retried until then stays stored. */
const RETRY_LIMIT_MS = 25_000;

interface PatientRouteDeps extends OrganizationDeps {
  /** For analytics. */
  historyReads: HistoryReads;
}

export function patientRoutes(deps: PatientRouteDeps): Hono {
  const { database, historyReads } = deps;
  const routes = new Hono();

  routes.get('/patients/:orgId/summary', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const [counts, { logs }] = await Promise.all([
      countPatients(database.sql, organizationId),
      readSyncLogs(database.sql, organizationId, { limit: 1, status: 'completed', ofPresent: true }),
    ]);
    const body = `${JSON.stringify(counts).slice(0, -1)},"last_completed_sync":${logs[0] ?? 'null'}}`;
    return c.body(body, 200, { 'content-type': 'application/json' });
  });

  routes.get('/patients/:orgId/missing', (c) => answerMissing(c, database.sql));

  routes.post('/patients/:orgId/missing/confirm', async (c) => {
    const confirmed = await decideHeld(c, database, 'missing.confirm', confirmMissing);
    return c.json({ confirmed } satisfies ConfirmedMissing);
  });

  routes.post('/patients/:orgId/missing/release', async (c) => {
    const released = await decideHeld(c, database, 'missing.release', releaseHeld);
    return c.json({ released } satisfies ReleasedHeld);
  });

  routes.get('/quarantine/:orgId', (c) => answerQuarantine(c, database));

  routes.post('/quarantine/:orgId/retry', async (c) => c.json(await retry(c, deps)));

  routes.get('/analytics/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    return c.json(await historyReads.read(organizationId, (sql) => readAnalytics(sql, organizationId)));
  });

  return routes;
}

/**
 * `held` is the number of patients that the person decided about. Since then a sync may have held others, about which no person
 * has decided.
 *
 * @returns the number of held patients that the decision changed
 */
async function decideHeld(
  c: Context,
  { sql }: Database,
  action: 'missing.confirm' | 'missing.release',
  decide: (tx: ISql, organizationId: number) => Promise<number>,
): Promise<number> {
  const organizationId = pathId(c, 'orgId');
  const meant = queryCount(c, 'held');
  return await interruptAndRun(sql, organizationId, async (tx, isRegistered) => {
    if (!isRegistered) throw organizationNotFound(organizationId);
    const count = await decide(tx, organizationId);
    if (meant !== undefined && meant !== count) throw heldChanged(meant, count);
    await appendAudit(tx, { organizationId, action, details: { count }, ...auditOrigin(c) });
    return count;
  });
}

/** Its transaction is rolled back: nothing was decided. */
function heldChanged(meant: number, held: number): ProblemError {
  const now = `${formatPatients(held)} ${held === 1 ? 'is' : 'are'} held now, not ${formatCount(meant)}`;
  return new ProblemError('HELD_CHANGED', `${now}. Nothing was changed: read the list again, then decide.`);
}

const MISSING_COLUMNS = ['cliniko_patient_id', 'state', 'since'] as const;

async function answerMissing(c: Context, sql: Sql): Promise<Response> {
  const organizationId = pathId(c, 'orgId');
  if (wantsCsv(c)) {
    const absent = await listAbsent(sql, organizationId);
    const rows = absent.map(({ clinikoPatientId: id, ...row }) => ({ cliniko_patient_id: { id }, ...row }));
    return csvResponse(c, `missing-${organizationId}`, csvOf(MISSING_COLUMNS, rows));
  }
  const [{ missing }, { held, since, ids, missingIds }] = await Promise.all([
    countPatients(sql, organizationId),
    readPendingMissing(sql, organizationId),
  ]);
  const answer: MissingPatients = {
    missing,
    held,
    held_since: since && new Date(since).toISOString(),
    held_ids: ids,
    missing_ids: missingIds,
  };
  return c.json(answer);
}

const QUARANTINE_COLUMNS = [
  'id',
  'cliniko_patient_id',
  'reason',
  'first_seen_at',
  'last_seen_at',
  'attempts',
] as const;

async function answerQuarantine(c: Context, database: Database): Promise<Response> {
  const organizationId = pathId(c, 'orgId');
  const asCsv = wantsCsv(c);
  const list = await listQuarantine(database, organizationId);
  if (!asCsv) return c.json(list);
  const rows = list.patients.map(({ cliniko_patient_id: id, ...row }) => ({
    ...row,
    cliniko_patient_id: { id },
  }));
  return csvResponse(c, `quarantine-${organizationId}`, csvOf(QUARANTINE_COLUMNS, rows));
}

async function retry(
  c: Context,
  { database, sealer, sourceFor }: OrganizationDeps,
): Promise<QuarantineRetry> {
  const organizationId = pathId(c, 'orgId');
  const organization = await findOrganization(database, organizationId);
  if (organization === undefined) throw organizationNotFound(organizationId);
  const apiKey = await requireApiKey(organizationId, database, sealer);
  const rules = { country: organization.country, validation: organization.validation };
  const deps = { database, sealer, source: sourceFor(apiKey), rules };
  try {
    return await retryQuarantine(deps, organizationId, AbortSignal.timeout(RETRY_LIMIT_MS));
  } catch (error) {
    // A part may have been stored. A retry that succeeds is audited with its answer (access/audit-middleware.ts).
    await appendAudit(database.sql, {
      organizationId,
      action: 'quarantine.retry',
      details: { outcome: 'failed' },
      ...auditOrigin(c),
    });
    if (error instanceof ClinikoError)
      throw new ProblemError('CLINIKO_FAILED', `${error.message}.`, { cause: error });
    if (error instanceof DOMException) {
      const detail =
        'Cliniko limits the requests. The patients stored so far stay; retry the rest in a minute.';
      throw new ProblemError('CLINIKO_FAILED', detail, { cause: error });
    }
    return deletedIsNotFound(organizationId, error);
  }
}

/** @throws ProblemError NO_CREDENTIALS */
async function requireApiKey(organizationId: number, database: Database, sealer: Sealer): Promise<string> {
  const apiKey = await readApiKey(database, sealer, organizationId).catch((cause: unknown) => {
    if (cause instanceof SealError) throw new ProblemError('NO_CREDENTIALS', KEY_DOES_NOT_OPEN, { cause });
    throw cause;
  });
  if (apiKey !== undefined) return apiKey;
  const detail = `Organization ${organizationId} has no Cliniko key. Store one with PUT …/cliniko-credentials.`;
  throw new ProblemError('NO_CREDENTIALS', detail);
}
