/** `/api/v1/organizations`, one of them, and its Cliniko key. */
import { Hono } from 'hono';
import { ClinikoCredentials, OrganizationChange } from '../contract/organization.ts';
import type { Database } from '../database/open.ts';
import { jsonBody, pathId } from '../http/parameters.ts';
import { organizationNotFound } from '../http/problem.ts';
import { findOrganization, listOrganizations, saveApiKey, saveOrganization } from './organizations.ts';
import type { Sealer } from './sealing.ts';

export function organizationRoutes(database: Database, sealer: Sealer): Hono {
  const routes = new Hono();

  routes.get('/', async (c) => c.json(await listOrganizations(database)));

  routes.get('/:orgId', async (c) => {
    const id = pathId(c, 'orgId');
    const organization = await findOrganization(database, id);
    if (organization === undefined) throw organizationNotFound(id);
    return c.json(organization);
  });

  routes.put('/:orgId', async (c) => {
    const id = pathId(c, 'orgId');
    await saveOrganization(database, id, await jsonBody(c, OrganizationChange));
    return c.json(await findOrganization(database, id));
  });

  routes.put('/:orgId/cliniko-credentials', async (c) => {
    const id = pathId(c, 'orgId');
    const { api_key } = await jsonBody(c, ClinikoCredentials);
    if ((await findOrganization(database, id)) === undefined) throw organizationNotFound(id);
    await saveApiKey(database, sealer, id, api_key);
    return c.body(null, 204);
  });

  return routes;
}
