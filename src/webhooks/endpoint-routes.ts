/** `/api/v1/webhooks`: endpoints of every kind, their tests, and their deliveries. For administrators. */
import { type Context, Hono } from 'hono';
import type { WebhookDeliveryList } from '#contract/webhook.ts';
import {
  type CreatedWebhookEndpoint,
  NewWebhookEndpoint,
  type WebhookEndpoint,
  WebhookEndpointChange,
  type WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';
import { type AuditAction, type AuditEntry, appendAudit } from '../audit/append.ts';
import type { Database, Tx } from '../database/open.ts';
import { jsonBody, pathId, pathNumber, queryLimit } from '../http/parameters.ts';
import { auditOrigin, principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { enqueueTest, listDeliveries, redeliver } from './delivery-log.ts';
import { changedSettings, checkSettings, hostOf } from './endpoint-settings.ts';
import { addressOfRequest } from './page-links.ts';
import type { WebhookDeps } from './routes.ts';
import {
  insertEndpoint,
  lockEndpoint,
  readEndpoints,
  removeEndpoint,
  type StoredEndpoint,
  updateEndpoint,
} from './store-endpoint.ts';

export interface EndpointDeps extends WebhookDeps {
  basePath: string;
  /** `PUBLIC_URL` */
  publicUrl: string | undefined;
  sendsEmail: boolean;
}

export function endpointRoutes(deps: EndpointDeps): Hono {
  const routes = new Hono();
  mountSettings(routes, deps);
  mountDeliveries(routes, deps);
  return routes;
}

function mountSettings(routes: Hono, deps: EndpointDeps): void {
  const { database, sealer } = deps;
  const rulesFor = (c: Context) => ({ ...deps, principal: principalOf(c) });

  routes.get('/', async (c) => {
    const stored = await readEndpoints(database.sql, principalOf(c).organizations);
    const webhooks = stored.map(({ shown }) => shown);
    return c.json({ webhooks, email: deps.sendsEmail } satisfies WebhookEndpointList);
  });

  routes.post('/', async (c) => {
    const settings = checkSettings(await jsonBody(c, NewWebhookEndpoint), rulesFor(c));
    const created = await database.sql.begin(async (tx): Promise<CreatedWebhookEndpoint> => {
      const { id, secret } = await insertEndpoint(tx, sealer, settings, addressOfRequest(c, deps.basePath));
      const endpoint = await visible(tx, c, id);
      await audit(tx, c, endpoint, 'webhook.create');
      return { ...endpoint.shown, secret: settings.kind === 'standard' ? secret : null };
    });
    return c.json(created, 201);
  });

  routes.get('/:id', async (c) => c.json((await visible(database.sql, c, pathId(c, 'id'))).shown));

  routes.put('/:id', async (c) => {
    const id = pathId(c, 'id');
    const change = await jsonBody(c, WebhookEndpointChange);
    const changed = await database.sql.begin(async (tx) => {
      const before = await locked(tx, c, id);
      const settings = checkSettings(changedSettings(before.shown, change), rulesFor(c));
      await updateEndpoint(tx, sealer, id, settings, addressOfRequest(c, deps.basePath));
      const endpoint = await visible(tx, c, id);
      await audit(tx, c, endpoint, 'webhook.change', changeOf(before.shown, endpoint.shown));
      return endpoint.shown;
    });
    return c.json(changed);
  });

  routes.delete('/:id', async (c) => {
    await database.sql.begin(async (tx) => {
      const endpoint = await locked(tx, c, pathId(c, 'id'));
      await removeEndpoint(tx, endpoint.shown.id);
      await audit(tx, c, endpoint, 'webhook.delete');
    });
    return c.body(null, 204);
  });
}

function mountDeliveries(routes: Hono, { database, publicUrl }: EndpointDeps): void {
  routes.post('/:id/test', async (c) => {
    const delivery = await database.sql.begin(async (tx) => {
      const endpoint = await locked(tx, c, pathId(c, 'id'));
      await audit(tx, c, endpoint, 'webhook.test');
      const { kind, id } = endpoint.shown;
      return enqueueTest(tx, { ...endpoint, kind, id }, publicUrl ?? endpoint.address ?? '');
    });
    return c.json(delivery, 202);
  });

  routes.get('/:id/deliveries', async (c) => {
    const limit = queryLimit(c);
    const { shown } = await visible(database.sql, c, pathId(c, 'id'));
    const deliveries = await listDeliveries(database.sql, principalOf(c).organizations, shown.id, limit);
    return c.json({ deliveries } satisfies WebhookDeliveryList);
  });

  routes.post('/:id/deliveries/:deliveryId/redeliver', async (c) => {
    const deliveryId = pathNumber(c, 'deliveryId');
    const delivery = await database.sql.begin(async (tx) => {
      const endpoint = await locked(tx, c, pathId(c, 'id'));
      const sent = await redeliver(tx, endpoint.shown.id, deliveryId);
      if (sent === undefined) throw deliveryNotFound(deliveryId);
      await audit(tx, c, endpoint, 'webhook.redeliver');
      return sent;
    });
    return c.json(delivery, 202);
  });
}

/** @throws ProblemError also when the caller does not hold all of its organizations: it does not learn that there is one */
async function visible(sql: Database['sql'] | Tx, c: Context, id: number): Promise<StoredEndpoint> {
  const [endpoint] = await readEndpoints(sql, principalOf(c).organizations, id);
  if (endpoint !== undefined) return endpoint;
  throw new ProblemError(
    'WEBHOOK_NOT_FOUND',
    `There is no webhook ${id} within the organizations of this token. List them with GET /api/v1/webhooks.`,
  );
}

/** Its organizations are the ones that it has until the transaction ends. */
async function locked(tx: Tx, c: Context, id: number): Promise<StoredEndpoint> {
  await lockEndpoint(tx, id);
  return visible(tx, c, id);
}

function deliveryNotFound(id: number): ProblemError {
  return new ProblemError(
    'DELIVERY_NOT_FOUND',
    `This webhook has no delivery ${id} about its organizations; deliveries are kept for 30 days. List them with GET /api/v1/webhooks/:id/deliveries.`,
  );
}

type Details = AuditEntry['details'];

const SETTINGS = ['kind', 'url', 'email', 'organizations', 'events', 'quiet_hours', 'digest'] as const;

/** The names of the settings, never their values: a URL is a secret. */
function changeOf(before: WebhookEndpoint, after: WebhookEndpoint): Details {
  const changed = SETTINGS.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const [from, to] = [hostOfEndpoint(before), hostOfEndpoint(after)];
  return { changed: changed.join(', '), ...(from !== to && { previous_host: from }) };
}

const hostOfEndpoint = ({ url, email }: WebhookEndpoint): string => hostOf(url ?? email ?? '');

async function audit(
  tx: Tx,
  c: Context,
  { organizationId, shown }: StoredEndpoint,
  action: AuditAction,
  more: Details = {},
): Promise<void> {
  const details = { webhook_id: shown.id, kind: shown.kind, host: hostOfEndpoint(shown), ...more };
  await appendAudit(tx, { organizationId, action, details, ...auditOrigin(c) });
}
