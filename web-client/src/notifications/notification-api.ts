/** The requests of the page of notifications. */
import * as z from 'zod/mini';
import { WebhookDelivery, WebhookDeliveryList } from '#contract/webhook.ts';
import {
  CreatedWebhookEndpoint,
  type NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';
import { type Api, jsonRequest, requestBy } from '../api.ts';

export type NotificationApi = ReturnType<typeof createNotificationApi> & Pick<Api, 'organizations'>;

export function createNotificationApi(baseUrl: string, send: typeof fetch) {
  const request = requestBy(send);
  const at = (path: string) => `${baseUrl}/api/v1/webhooks${path}`;
  return {
    list: () => request(at(''), WebhookEndpointList),
    create: (endpoint: NewWebhookEndpoint) =>
      request(at(''), CreatedWebhookEndpoint, jsonRequest('POST', endpoint)),
    change: (id: number, endpoint: NewWebhookEndpoint) =>
      request(at(`/${id}`), WebhookEndpoint, jsonRequest('PUT', endpoint)),
    remove: (id: number) => request(at(`/${id}`), z.undefined(), { method: 'DELETE' }),
    test: (id: number) => request(at(`/${id}/test`), WebhookDelivery, { method: 'POST' }),
    /** Newest first. */
    deliveries: (id: number) => request(at(`/${id}/deliveries?limit=20`), WebhookDeliveryList),
    redeliver: (id: number, deliveryId: number) =>
      request(at(`/${id}/deliveries/${deliveryId}/redeliver`), WebhookDelivery, { method: 'POST' }),
  };
}
