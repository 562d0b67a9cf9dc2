/** Routes for dashboards besides the runs: totals, quarantine, analytics. They are here because the totals name the last run. */
import { Hono } from 'hono';
import type { ConfirmedMissing, MissingPatients, QuarantineRetry } from '#contract/patients.ts';
import { appendAudit } from '../audit/append.ts';
import { ClinikoError } from '../cliniko/error.ts';
import { readAnalytics } from '../events/analytics.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import { pathId } from '../http/parameters.ts';
import { auditOrigin } from '../http/principal.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { deletedIsNotFound } from '../organizations/not-found.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import type { OrganizationDeps } from '../organizations/routes.ts';
import { confirmMissing, readPendingMissing } from '../patients/missing-patients.ts';
import { listQuarantine } from '../patients/quarantine.ts';
import { retryQuarantine } from '../patients/retry-quarantine.ts';
import { countPatients } from '../patients/summary.ts';
import { interruptAndRun } from './exclusive-transaction.ts';

/** Time limit of a quarantine retry request. What was retried until then stays stored. */
const RETRY_LIMIT_MS = 60_000;

export function patientRoutes(deps: OrganizationDeps): Hono {
  const { database } = deps;
  const routes = new Hono();

  routes.get('/patients/:orgId/summary', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const [counts, { logs }] = await Promise.all([
      countPatients(database.sql, organizationId),
      readSyncLogs(database.sql, organizationId, { limit: 1, status: 'completed' }),
    ]);
    const body = `${JSON.stringify(counts).slice(0, -1)},"last_completed_sync":${logs[0] ?? 'null'}}`;
    return c.body(body, 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  });

  routes.get('/patients/:orgId/missing', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const [{ missing }, { held, since, ids }] = await Promise.all([
      countPatients(database.sql, organizationId),
      readPendingMissing(database.sql, organizationId),
    ]);
    const answer: MissingPatients = {
      missing,
      held,
      held_since: since && new Date(since).toISOString(),
      held_ids: ids,
    };
    return c.json(answer, 200, { 'cache-control': 'no-store' });
  });

  routes.post('/patients/:orgId/missing/confirm', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const confirmed = await interruptAndRun(database.sql, organizationId, async (tx, isRegistered) => {
      if (!isRegistered) throw organizationNotFound(organizationId);
      const count = await confirmMissing(tx, organizationId);
      await appendAudit(tx, {
        organizationId,
        action: 'missing.confirm',
        details: { count },
        ...auditOrigin(c),
      });
      return count;
    });
    return c.json({ confirmed } satisfies ConfirmedMissing);
  });

  routes.get('/quarantine/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    return c.json(await listQuarantine(database, organizationId), 200, {
      'cache-control': 'no-store',
    });
  });

  routes.post('/quarantine/:orgId/retry', async (c) => c.json(await retry(deps, pathId(c, 'orgId'))));

  routes.get('/analytics/:orgId', async (c) => {
    return c.json(await readAnalytics(database.sql, pathId(c, 'orgId')));
  });

  return routes;
}

async function retry(
  { database, sealer, sourceFor }: OrganizationDeps,
  organizationId: number,
): Promise<QuarantineRetry> {
  const organization = await findOrganization(database, organizationId);
  if (organization === undefined) throw organizationNotFound(organizationId);
  const apiKey = await readApiKey(database, sealer, organizationId);
  if (apiKey === undefined) {
    throw new ProblemError(
      'NO_CREDENTIALS',
      `Organization ${organizationId} has no Cliniko key. Store one with PUT …/cliniko-credentials.`,
    );
  }
  const rules = { country: organization.country, validation: organization.validation };
  const deps = { database, sealer, source: sourceFor(apiKey), rules };
  try {
    return await retryQuarantine(deps, organizationId, AbortSignal.timeout(RETRY_LIMIT_MS));
  } catch (error) {
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
