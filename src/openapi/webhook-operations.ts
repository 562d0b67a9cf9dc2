/** Routes of `/api/v1/webhooks`: endpoints of every kind, for one organization, several, or all. */
import { WebhookDelivery, WebhookDeliveryList } from '#contract/webhook.ts';
import {
  CreatedWebhookEndpoint,
  NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';
import type { Operation } from './operation.ts';
import { LIMIT } from './parameters.ts';

const ALL = '/api/v1/webhooks';
const ONE = `${ALL}/:id`;

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: ALL,
    id: 'listNotifications',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, scope: 'admin' },
    summary: 'The endpoints of every kind whose organizations the caller holds',
    answers: { 200: { description: 'With the newest delivery of each.', schema: WebhookEndpointList } },
  },
  {
    method: 'post',
    path: ALL,
    id: 'createNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, audit: null },
    summary: 'Register an endpoint: signed JSON, a chat, or an email address',
    description:
      'Slack, Teams and Discord get a line of text with a link, in the form of their incoming webhooks; so does an email. Signed JSON is for programs: the answer shows its secret, once.',
    body: NewWebhookEndpoint,
    answers: { 201: { description: 'The endpoint is registered.', schema: CreatedWebhookEndpoint } },
    problems: ['ORGANIZATION_NOT_FOUND', 'TOO_MANY_WEBHOOKS', 'EMAIL_NOT_SET_UP'],
  },
  {
    method: 'get',
    path: ONE,
    id: 'getNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, scope: 'admin' },
    summary: 'One endpoint',
    answers: { 200: { description: 'Without its secret.', schema: WebhookEndpoint } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
  {
    method: 'put',
    path: ONE,
    id: 'changeNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, audit: null },
    summary: 'Change some settings of an endpoint; a disabled one is enabled again',
    body: WebhookEndpointChange,
    answers: { 200: { description: 'The current settings.', schema: WebhookEndpoint } },
    problems: ['WEBHOOK_NOT_FOUND', 'ORGANIZATION_NOT_FOUND', 'TOO_MANY_WEBHOOKS', 'EMAIL_NOT_SET_UP'],
  },
  {
    method: 'delete',
    path: ONE,
    id: 'deleteNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, audit: null },
    summary: 'Remove an endpoint and what is pending for it',
    answers: { 204: { description: 'The endpoint is removed.' } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
  {
    method: 'post',
    path: `${ONE}/test`,
    id: 'testNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, audit: null },
    summary: 'Send a test message, also in quiet hours',
    description: 'While a test is pending, no other one is sent. Its outcome is in the deliveries.',
    answers: { 202: { description: 'The pending delivery.', schema: WebhookDelivery } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
  {
    method: 'get',
    path: `${ONE}/deliveries`,
    id: 'listNotificationDeliveries',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, scope: 'admin' },
    summary: 'The deliveries to an endpoint, newest first',
    query: { limit: LIMIT },
    answers: { 200: { description: 'The deliveries of the last 30 days.', schema: WebhookDeliveryList } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
  {
    method: 'post',
    path: `${ONE}/deliveries/:deliveryId/redeliver`,
    id: 'redeliverNotification',
    tag: 'Webhooks',
    access: { isSelfFiltering: true, audit: null },
    summary: 'Send a delivery again, the same message under the same id',
    description: 'A delivery that waits for its next attempt is sent now.',
    answers: { 202: { description: 'The delivery, pending.', schema: WebhookDelivery } },
    problems: ['WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
  },
];
