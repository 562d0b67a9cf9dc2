/** The requests of the page of notifications. */
import * as z from 'zod/mini';
import type { OrganizationList } from '#contract/organization.ts';
import { WebhookDelivery, WebhookDeliveryList } from '#contract/webhook.ts';
import {
  CreatedWebhookEndpoint,
  type NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';
import { requestBy } from '../api.ts';

export interface NotificationApi {
  list(): Promise<WebhookEndpointList>;
  create(endpoint: NewWebhookEndpoint): Promise<CreatedWebhookEndpoint>;
  change(id: number, endpoint: NewWebhookEndpoint): Promise<WebhookEndpoint>;
  remove(id: number): Promise<void>;
  test(id: number): Promise<WebhookDelivery>;
  /** Newest first. */
  deliveries(id: number): Promise<WebhookDeliveryList>;
  redeliver(id: number, deliveryId: number): Promise<WebhookDelivery>;
  organizations(): Promise<OrganizationList>;
}

export function createNotificationApi(
  baseUrl: string,
  send: typeof fetch,
): Omit<NotificationApi, 'organizations'> {
  const request = requestBy(send);
  const at = (path: string) => `${baseUrl}/api/v1/webhooks${path}`;
  const withBody = (method: 'POST' | 'PUT', body: NewWebhookEndpoint): RequestInit => ({
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    list: () => request(at(''), WebhookEndpointList),
    create: (endpoint) => request(at(''), CreatedWebhookEndpoint, withBody('POST', endpoint)),
    change: (id, endpoint) => request(at(`/${id}`), WebhookEndpoint, withBody('PUT', endpoint)),
    remove: (id) => request(at(`/${id}`), z.undefined(), { method: 'DELETE' }),
    test: (id) => request(at(`/${id}/test`), WebhookDelivery, { method: 'POST' }),
    deliveries: (id) => request(at(`/${id}/deliveries?limit=20`), WebhookDeliveryList),
    redeliver: (id, deliveryId) =>
      request(at(`/${id}/deliveries/${deliveryId}/redeliver`), WebhookDelivery, { method: 'POST' }),
  };
}
