/** `/api/v1/organizations`: the list, one organization, and its Cliniko key. */
import { Hono } from 'hono';
import {
  ClinikoCredentials,
  KeyToVerify,
  type Organization,
  OrganizationChange,
} from '#contract/organization.ts';
import { appendAudit } from '../audit/append.ts';
import type { AccountSource } from '../cliniko/account-source.ts';
import type { PatientSource } from '../cliniko/source.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { jsonBody, optionalJsonBody, pathId } from '../http/parameters.ts';
import { accountName, auditOrigin, canAccess, principalOf } from '../http/principal.ts';
import { organizationNotFound } from '../http/problem.ts';
import type { AccountAddresses } from './account-address.ts';
import { deletedIsNotFound } from './not-found.ts';
import {
  findOrganization,
  listOrganizations,
  readApiKey,
  saveApiKey,
  saveOrganization,
} from './organizations.ts';
import { readPause, resumeAfterKey, resumeUnlessRefused } from './pause.ts';
import { requireSchedules } from './schedule.ts';
import { requireAcceptedKey, verifyNewKey, verifyStoredKey } from './verify-api-key.ts';

export interface OrganizationDeps {
  database: Database;
  sealer: Sealer;
  /** Returns the patients and the account of the clinic with this API key. */
  sourceFor(apiKey: string): PatientSource & AccountSource;
  addresses: AccountAddresses;
}

export interface OrganizationRouteDeps extends OrganizationDeps {
  /** Reads the pause of everything, which belongs to no organization (access/row-level-security.ts). */
  wholeDatabase: Database;
}

export function organizationRoutes(deps: OrganizationRouteDeps): Hono {
  const { database, sealer, sourceFor, addresses } = deps;
  const routes = new Hono();

  routes.get('/', async (c) => {
    const principal = principalOf(c);
    const { organizations } = await listOrganizations(database);
    return c.json({
      organizations: organizations.filter((one) => canAccess(principal, one.organization_id)),
    });
  });

  routes.get('/:orgId', async (c) => {
    return c.json(await readOrganization(deps, pathId(c, 'orgId')));
  });

  routes.put('/:orgId', async (c) => {
    const id = pathId(c, 'orgId');
    const change = await jsonBody(c, OrganizationChange);
    if (change.schedule) requireSchedules(change.schedule);
    const outcome = await saveOrganization(database, id, change, accountName(principalOf(c)));
    if (outcome !== 'unchanged') {
      const action = outcome === 'paused' ? 'organization.pause' : 'organization.resume';
      await appendAudit(database.sql, { organizationId: id, action, details: {}, ...auditOrigin(c) });
    }
    return c.json(await readOrganization(deps, id));
  });

  routes.put('/:orgId/cliniko-credentials', async (c) => {
    const id = pathId(c, 'orgId');
    const { api_key, check = false } = await jsonBody(c, ClinikoCredentials);
    if ((await findOrganization(database, id)) === undefined) throw organizationNotFound(id);
    if (check) await requireAcceptedKey(sourceFor(api_key));
    await saveApiKey(database, sealer, id, api_key).catch((error: unknown) => deletedIsNotFound(id, error));
    if (check) await resumeAfterKey(database.sql, id);
    else await resumeUnlessRefused(deps, id);
    return c.body(null, 204);
  });

  routes.post('/:orgId/cliniko-credentials/verify', async (c) => {
    const id = pathId(c, 'orgId');
    const { api_key } = await optionalJsonBody(c, KeyToVerify);
    if (api_key !== undefined) return c.json(await verifyNewKey(sourceFor(api_key)));
    if ((await findOrganization(database, id)) === undefined) throw organizationNotFound(id);
    const verdict = await verifyStoredKey(() => readApiKey(database, sealer, id), sourceFor);
    if (verdict.verdict === 'valid') {
      await addresses.hostOf(id);
      await resumeAfterKey(database.sql, id);
    }
    return c.json(verdict);
  });

  return routes;
}

/** @throws ProblemError: it is not registered */
async function readOrganization(
  { database, wholeDatabase }: OrganizationRouteDeps,
  id: number,
): Promise<Organization> {
  const organization = await findOrganization(database, id);
  if (organization === undefined) throw organizationNotFound(id);
  const { paused } = await readPause(wholeDatabase.sql);
  const next_sync_at = paused ? null : organization.next_sync_at;
  return { ...organization, next_sync_at, everything_paused: paused };
}
