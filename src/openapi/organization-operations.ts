/** Routes of organizations/, erasure/ and webhooks/. */
import { ErasedOrganization } from '#contract/erasure.ts';
import {
  ClinikoCredentials,
  KeyToVerify,
  KeyVerdict,
  Organization,
  OrganizationChange,
  OrganizationList,
} from '#contract/organization.ts';
import { CreatedWebhook, NewWebhook, WebhookDeliveryList, WebhookList } from '#contract/webhook.ts';
import type { Operation } from './operation.ts';
import { DRY_RUN, LIMIT } from './parameters.ts';

const ONE = '/api/v1/organizations/:orgId';

export const ORGANIZATION_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/v1/organizations',
    id: 'listOrganizations',
    tag: 'Organizations',
    access: { isSelfFiltering: true },
    summary: 'All organizations that are registered, by id',
    answers: { 200: { description: 'Their names.', schema: OrganizationList } },
  },
  {
    method: 'get',
    path: ONE,
    id: 'getOrganization',
    tag: 'Organizations',
    summary: 'One organization and its settings',
    answers: { 200: { description: 'The organization.', schema: Organization } },
    problems: ['ORGANIZATION_NOT_FOUND'],
  },
  {
    method: 'put',
    path: ONE,
    id: 'saveOrganization',
    tag: 'Organizations',
    access: { audit: 'organization.change' },
    summary: 'Register an organization, or change some of its settings',
    body: OrganizationChange,
    answers: { 200: { description: 'The current settings.', schema: Organization } },
  },
  {
    method: 'delete',
    path: ONE,
    id: 'eraseOrganization',
    tag: 'Organizations',
    access: { audit: null },
    summary:
      'Erase an organization: its patients, quarantine, key and schedule; its logs stay, without patient data',
    query: { dry_run: DRY_RUN },
    answers: { 200: { description: 'What was erased, or would be erased.', schema: ErasedOrganization } },
    problems: ['ORGANIZATION_NOT_FOUND'],
  },
  {
    method: 'put',
    path: `${ONE}/cliniko-credentials`,
    id: 'saveClinikoKey',
    tag: 'Organizations',
    access: { audit: 'credentials.change' },
    summary: 'Store the Cliniko API key, sealed; no answer ever shows it',
    description:
      'With `check: true` the key is stored only when Cliniko accepts it; otherwise the stored key stays.',
    body: ClinikoCredentials,
    answers: { 204: { description: 'The key is stored.' } },
    problems: ['ORGANIZATION_NOT_FOUND', 'CLINIKO_AUTH_FAILED', 'CLINIKO_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: `${ONE}/cliniko-credentials/verify`,
    id: 'verifyClinikoKey',
    tag: 'Organizations',
    access: { audit: 'credentials.verify' },
    summary: 'Ask Cliniko whether the stored key works, or the key of the body, which is not stored',
    description:
      'For a key of the body the organization need not be registered yet, and the answer tells what Cliniko knows about the clinic.',
    body: KeyToVerify,
    isBodyOptional: true,
    answers: { 200: { description: 'The answer of Cliniko.', schema: KeyVerdict } },
    problems: ['ORGANIZATION_NOT_FOUND'],
  },
  {
    method: 'get',
    path: `${ONE}/webhooks`,
    id: 'listWebhooks',
    tag: 'Webhooks',
    summary: 'The webhooks of an organization',
    answers: { 200: { description: 'Without their secrets.', schema: WebhookList } },
  },
  {
    method: 'post',
    path: `${ONE}/webhooks`,
    id: 'createWebhook',
    tag: 'Webhooks',
    access: { audit: null },
    summary: 'Register an endpoint; the answer shows its secret, once',
    body: NewWebhook,
    answers: { 201: { description: 'The endpoint is registered.', schema: CreatedWebhook } },
    problems: ['ORGANIZATION_NOT_FOUND', 'TOO_MANY_WEBHOOKS'],
  },
  {
    method: 'delete',
    path: `${ONE}/webhooks/:id`,
    id: 'deleteWebhook',
    tag: 'Webhooks',
    access: { audit: null },
    summary: 'Remove an endpoint and its pending deliveries',
    answers: { 204: { description: 'The endpoint is removed.' } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
  {
    method: 'get',
    path: `${ONE}/webhooks/:id/deliveries`,
    id: 'listWebhookDeliveries',
    tag: 'Webhooks',
    summary: 'The deliveries to an endpoint, newest first',
    query: { limit: LIMIT },
    answers: { 200: { description: 'The deliveries of the last 30 days.', schema: WebhookDeliveryList } },
    problems: ['WEBHOOK_NOT_FOUND'],
  },
];
