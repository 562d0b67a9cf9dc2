/** Endpoints in the database. A caller sees those whose organizations it holds, all of them. */
import type { ISql } from 'postgres';
import type { WebhookEvent } from '#contract/webhook.ts';
import type { QuietHours, WebhookEndpoint, WebhookKind } from '#contract/webhook-endpoint.ts';
import type { SealedColumn } from '../encryption/rotate-keys.ts';
import type { Sealer } from '../encryption/sealer.ts';
import type { GrantedOrganizations } from '../http/principal.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { setChangePositions } from './change-messages.ts';
import { type DeliveryRow, deleteDeliveries, deliveryOf, toIso } from './delivery-log.ts';
import { type EndpointSettings, MAIL_SCHEME } from './endpoint-settings.ts';
import { giveUpOthers, isVisibleTo } from './message-owners.ts';
import { newSecret } from './signature.ts';

/** Per organization: each end of a run is sent to all of them. */
const MAX_ENDPOINTS = 10;

/** Endpoints of several organizations that one organization belongs to, and endpoints of all. */
const MAX_SHARED = 20;

/** @param organizationId null: an endpoint of several */
export const secretContext = (organizationId: number | null) => `webhook-secret:${organizationId ?? 0}`;

export const SEALED_SECRETS: SealedColumn = {
  table: 'webhook_endpoints',
  column: 'sealed_secret',
  contextColumns: ['organization_id'],
  contextOf: ({ organization_id: id }) => secretContext(id === null ? null : Number(id)),
};

export interface StoredEndpoint {
  shown: WebhookEndpoint;
  /** The only organization; null: several, or all. */
  organizationId: number | null;
  organizations: number[] | null;
  address: string | null;
}

interface EndpointRow {
  id: number;
  kind: WebhookKind;
  url: string;
  organization_id: number | null;
  organizations: number[] | null;
  events: WebhookEvent[];
  quiet_hours: QuietHours | null;
  digest: boolean;
  address: string | null;
  created_at: string;
  disabled_at: string | null;
  /** As JSON; null: it was sent nothing yet that the caller may see. */
  latest: DeliveryRow | null;
}

/**
 * Until the transaction ends, no other request changes, tests or deletes the endpoint: what is read after this stays valid. An
 * advisory lock, because it comes before those of the organizations, and the row of the endpoint comes after them.
 */
export async function lockEndpoint(tx: ISql, id: number): Promise<void> {
  await tx`select pg_advisory_xact_lock(${ENDPOINT_LOCK}, ${id})`;
}

/** The class of these locks. Any number that no other lock uses. */
const ENDPOINT_LOCK = 7_303;

/** @param id undefined: all of them, by id */
export async function readEndpoints(
  sql: ISql,
  held: GrantedOrganizations,
  id?: number,
): Promise<StoredEndpoint[]> {
  const ids = held === '*' ? null : [...held];
  const rows = await sql<EndpointRow[]>`
    select endpoint.*, to_jsonb(latest) as latest from webhook_endpoints as endpoint
    left join lateral (select * from webhook_deliveries as delivery
      where delivery.endpoint_id = endpoint.id and ${isVisibleTo(sql, held)} order by delivery.id desc limit 1) as latest on true
    where (${id ?? null}::int is null or endpoint.id = ${id ?? null}::int)
      and (${held === '*'} or endpoint.organization_id = any(${ids}::int[]) or endpoint.organizations <@ ${ids}::int[])
    order by endpoint.id`;
  return rows.map(storedEndpoint);
}

function storedEndpoint(row: EndpointRow): StoredEndpoint {
  const { organization_id: organizationId, organizations, kind, url } = row;
  const isEmail = kind === 'email';
  return {
    organizationId,
    organizations,
    address: row.address,
    shown: {
      id: row.id,
      kind,
      url: isEmail ? null : url,
      email: isEmail ? url.slice(MAIL_SCHEME.length) : null,
      organizations: organizationId === null ? (organizations ?? '*') : [organizationId],
      events: row.events,
      quiet_hours: row.quiet_hours,
      digest: row.digest,
      created_at: toIso(row.created_at),
      disabled_at: row.disabled_at && toIso(row.disabled_at),
      latest: row.latest && deliveryOf(row.latest),
    },
  };
}

/** @throws ProblemError. @returns its id, and its secret in clear */
export async function insertEndpoint(
  tx: ISql,
  sealer: Sealer,
  settings: EndpointSettings,
  address: string | null,
): Promise<{ id: number; secret: string }> {
  const { kind, url, events, digest } = settings;
  const { organizationId, organizations } = await reserve(tx, settings.organizations);
  const secret = newSecret();
  const [row] = await tx<{ id: number }[]>`
    insert into webhook_endpoints (organization_id, organizations, kind, url, sealed_secret, events, quiet_hours, digest, address)
    values (${organizationId}, ${organizations}::int[], ${kind}, ${url}, ${sealer.seal(secret, secretContext(organizationId))},
      ${events}::text[], ${jsonText(settings.quietHours)}::text::jsonb, ${digest}, ${address})
    returning id`;
  if (row === undefined) throw new Error('An insert returned no row.');
  await setChangePositions(tx, row.id);
  return { id: row.id, secret };
}

/**
 * The secret stays; what waits is sent only as far as it is about the new organizations, and in the form of the new kind
 * (body-for-kind.ts).
 *
 * @throws ProblemError
 */
export async function updateEndpoint(
  tx: ISql,
  sealer: Sealer,
  id: number,
  settings: EndpointSettings,
  address: string | null,
): Promise<void> {
  const { kind, url, events, digest } = settings;
  const { organizationId, organizations } = await reserve(tx, settings.organizations, id);
  const [row] = await tx<{ sealed_secret: string; organization_id: number | null; kind: WebhookKind }[]>`
    select sealed_secret, organization_id, kind from webhook_endpoints where id = ${id} for no key update`;
  if (row === undefined) return;
  // Those of a server of the previous version, which names no kind.
  if (row.kind !== kind)
    await tx`update webhook_deliveries set kind = ${row.kind} where endpoint_id = ${id} and kind is null`;
  const secret = sealer.open(row.sealed_secret, secretContext(row.organization_id));
  await tx`update webhook_endpoints set organization_id = ${organizationId}, organizations = ${organizations}::int[],
      kind = ${kind}, url = ${url}, sealed_secret = ${sealer.seal(secret, secretContext(organizationId))},
      events = ${events}::text[], quiet_hours = ${jsonText(settings.quietHours)}::text::jsonb, digest = ${digest},
      address = coalesce(${address}, address), disabled_at = null, silent_since = null, resume_at = null
    where id = ${id}`;
  await giveUpOthers(tx, id);
  const kept = settings.organizations === '*' ? null : settings.organizations;
  await tx`delete from webhook_notices where endpoint_id = ${id} and organization_id <> all(${kept}::int[])`;
  await setChangePositions(tx, id);
}

const jsonText = (value: QuietHours | null) => value && JSON.stringify(value);

/**
 * Locks the organizations until the transaction ends, so that concurrent requests count each other's endpoints.
 *
 * @param exceptId an endpoint that is changed, and does not count
 * @throws ProblemError: an organization is unknown, or has too many endpoints already
 */
async function reserve(
  tx: ISql,
  organizations: EndpointSettings['organizations'],
  exceptId = 0,
): Promise<{ organizationId: number | null; organizations: number[] | null }> {
  const [only = 0, ...others] = organizations === '*' ? [0, 0] : organizations;
  if (others.length === 0) {
    if ((await tx`select 1 from organizations where id = ${only} for update`).length === 0)
      throw organizationNotFound(only);
    const [row] = await tx<{ count: number }[]>`
      select count(*)::int as count from webhook_endpoints where organization_id = ${only} and id <> ${exceptId}`;
    if (row !== undefined && row.count >= MAX_ENDPOINTS)
      throw tooMany(`An organization has at most ${MAX_ENDPOINTS}`);
    return { organizationId: only, organizations: null };
  }
  const list = organizations === '*' ? null : organizations;
  await tx`select pg_advisory_xact_lock(hashtext('webhook_endpoints'))`;
  if (list !== null) await requireOrganizations(tx, list);
  const [row] = await tx<{ count: number }[]>`
    select count(*)::int as count from webhook_endpoints
    where id <> ${exceptId} and organization_id is null
      and (organizations && ${list}::int[] or organizations is null and ${list}::int[] is null)`;
  if (row !== undefined && row.count >= MAX_SHARED)
    throw tooMany(`There are at most ${MAX_SHARED} for all, or for several with an organization in common`);
  return { organizationId: null, organizations: list };
}

async function requireOrganizations(tx: ISql, ids: readonly number[]): Promise<void> {
  const rows = await tx<{ id: number }[]>`
    select id from organizations where id = any(${[...ids]}::int[]) order by id for key share`;
  const known = new Set(rows.map(({ id }) => id));
  const missing = ids.find((id) => !known.has(id));
  if (missing !== undefined) throw organizationNotFound(missing);
}

function tooMany(rule: string): ProblemError {
  return new ProblemError('TOO_MANY_WEBHOOKS', `${rule} webhooks. Delete one first.`);
}

/** Deletes what is pending for it too. */
export async function removeEndpoint(tx: ISql, id: number): Promise<void> {
  await deleteDeliveries(tx, id);
  await tx`delete from webhook_endpoints where id = ${id}`;
}
