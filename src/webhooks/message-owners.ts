/**
 * Which messages an endpoint still gets. Its organizations may become fewer, by a change or by an erasure, and an administrator
 * of those that are left may then send it elsewhere: so a message about any other organization is neither sent nor shown.
 */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';
import type { GrantedOrganizations } from '../http/principal.ts';

/** On a row `delivery` and its row `endpoint`. A test tells of no organization. */
export const isOfEndpoint = (sql: ISql): Fragment => sql`(
  delivery.event = 'test' or endpoint.organization_id is null and endpoint.organizations is null
  or coalesce(delivery.organizations, array[delivery.organization_id])
    <@ coalesce(endpoint.organizations, array[endpoint.organization_id]))`;

/** On a row `endpoint`. @param organizationId a column, or a value */
export const covers = (sql: ISql, organizationId: Fragment): Fragment => sql`(
  endpoint.organization_id = ${organizationId} or coalesce(endpoint.organizations @> array[${organizationId}], false)
  or endpoint.organization_id is null and endpoint.organizations is null)`;

/** On a row `delivery`: it tells of no organization that the caller does not hold. */
export function isVisibleTo(sql: ISql, held: GrantedOrganizations): Fragment {
  if (held === '*') return sql`true`;
  return sql`(delivery.event = 'test'
    or coalesce(delivery.organizations, array[delivery.organization_id]) <@ ${[...held]}::int[])`;
}

/**
 * A run that ends while the organizations of an endpoint change may still see the old ones, so this is repeated. A message
 * whose row is locked is left to the next time: until then no server sends it (`claimDeliveries`).
 *
 * @param endpointId undefined: of all endpoints
 */
export async function giveUpOthers(sql: ISql, endpointId?: number): Promise<void> {
  await sql`
    update webhook_deliveries set state = 'given_up', last_error = ${NO_LONGER_OF_ENDPOINT}
    where id in (
      select delivery.id from webhook_deliveries as delivery
      join webhook_endpoints as endpoint on endpoint.id = delivery.endpoint_id
      where delivery.state = 'pending' and not ${isOfEndpoint(sql)}
        and (${endpointId ?? null}::int is null or delivery.endpoint_id = ${endpointId ?? null}::int)
      for update of delivery skip locked)`;
}

const NO_LONGER_OF_ENDPOINT = 'The webhook is no longer for all organizations of this message.';
