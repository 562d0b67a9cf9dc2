/** Every operation of the document, sent what it allows and what it does not, on a real server. */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { StartedSync } from '#contract/sync-log.ts';
import { CreatedWebhook, WebhookDelivery } from '#contract/webhook.ts';
import { WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { formatSyncId } from '../../src/legacy/sync-id.ts';
import { test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  type Answered,
  createJudge,
  type Document,
  type Operation,
  operationsOf,
  requestsOf,
  type SentRequest,
} from './support/fuzzer.ts';
import type { Known } from './support/generate.ts';

/** Speaks another protocol than HTTP from its first answer on: fetch cannot follow. */
const NOT_BY_HTTP = new Set(['openSocket']);

/**
 * Succeeds only for what the fuzzer does not send: a run or an operation that is under way, the header that names the
 * organization, or the code of a sign-in link. This server has no identity provider.
 */
const RARELY_SUCCEEDS = new Set([
  ...['cancelSync', 'cancelOperation', 'legacyTriggerSync'],
  ...['signIn', 'beginProviderSignIn', 'finishProviderSignIn'],
]);

async function send(server: TestServer, { method, target, headers, body }: SentRequest): Promise<Answered> {
  const stop = new AbortController();
  const response = await fetch(`${server.url}${target}`, { method, headers, body, signal: stop.signal });
  const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
  // A stream has no end to wait for.
  const text = type === 'text/event-stream' ? '' : await response.text();
  stop.abort();
  return { status: response.status, type, body: text };
}

/** Something to find: a run that has ended, a webhook, and an endpoint for people. With it, what chance seldom finds. */
async function fillDatabase(server: TestServer): Promise<Known> {
  const started = await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const webhook = await server.api('/organizations/123/webhooks', {
    method: 'POST',
    body: '{"url": "https://example.com/hooks"}',
  });
  const { id } = CreatedWebhook.parse(await webhook.json());
  const chat = await server.api('/webhooks', {
    method: 'POST',
    body: '{"kind": "slack", "url": "https://example.com/hooks", "organizations": [123]}',
  });
  const test = await server.api(`/webhooks/${id}/test`, { method: 'POST' });
  const { sync_log_id, log } = StartedSync.parse(await started.json());
  return {
    orgId: [123, 123, 123, 123, 124],
    id: [sync_log_id, id, WebhookEndpoint.parse(await chat.json()).id],
    deliveryId: [WebhookDelivery.parse(await test.json()).id],
    syncId: [formatSyncId(123, log.started_at)],
    organizations: ['*', [123], [123, 124]],
    time_zone: ['Australia/Sydney'],
    url: ['https://example.com/hooks'],
  };
}

/**
 * Deletions come last, those of most at the very end: or there is nothing left to find. A change of an endpoint comes after the
 * deletion of a webhook: it may become one that the list of its organization does not have.
 */
const harm = ({ method, path, operationId }: Operation) => {
  const depth = path.split('/').length;
  // Takes its endpoints with it: whether one for several organizations stays depends on the changes before.
  if (operationId === 'eraseOrganization') return 1;
  if (operationId === 'changeNotification') return 1 / (depth + 1);
  return method === 'DELETE' ? 1 / depth : 0;
};

const isMet = ({ operationId }: Operation, succeeded: ReadonlySet<string>) =>
  succeeded.has(operationId) || RARELY_SUCCEEDS.has(operationId);

/** The work is bounded by the number of operations and runs, not by time. */
const PATIENCE = { timeout: 180_000 };

describe('the API', () => {
  test('answers as its document says, whatever it is sent', PATIENCE, async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 20, organizations: [123, 124] });
    const document: Document = await (await fetch(`${server.url}/openapi.json`)).json();
    const judge = createJudge(document);
    const known = await fillDatabase(server);
    const succeeded = new Set<string>();
    const refused = new Set<string>();
    const operations = operationsOf(document).filter(({ operationId }) => !NOT_BY_HTTP.has(operationId));
    operations.sort((one, other) => harm(one) - harm(other));
    const fuzz = (operation: Operation, numRuns: number) =>
      fc.assert(
        fc.asyncProperty(requestsOf(operation, document, known), async (request) => {
          const answer = await send(server, request);
          expect(
            judge(operation, request, answer),
            `${request.method} ${request.target} ${request.body}`,
          ).toBe(undefined);
          (answer.status < 400 ? succeeded : refused).add(operation.operationId);
        }),
        { numRuns },
      );
    for (const operation of operations) {
      await fuzz(operation, 30);
      // What is valid only as a whole, such as an endpoint and its kind, is found among so many.
      if (isMet(operation, succeeded)) continue;
      await fuzz(operation, 500);
    }
    const never = operations.filter((operation) => !isMet(operation, succeeded));
    expect(never.map(({ operationId }) => operationId)).toEqual([]);
    expect(refused.size).toBeGreaterThan(15);
  });

  test('is judged by a fuzzer that finds what is wrong', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [123] });
    const document: Document = await (await fetch(`${server.url}/openapi.json`)).json();
    const judge = createJudge(document);
    const operation = operationsOf(document).find(({ operationId }) => operationId === 'getOrganization');
    if (operation === undefined) throw new Error('It is not documented.');
    const request = { method: 'GET', target: '/', headers: {}, body: undefined, isValid: true };
    const body = await (await server.api('/organizations/123')).text();
    const good = { status: 200, type: 'application/json', body };
    expect(judge(operation, request, good)).toBeUndefined();
    expect(judge(operation, request, { ...good, status: 500 })).toContain('500');
    expect(judge(operation, request, { ...good, status: 418 })).toContain('not documented');
    expect(judge(operation, request, { ...good, body: body.replace('"name"', '"nome"') })).toContain(
      'another shape',
    );
    expect(judge(operation, request, { ...good, type: 'text/html' })).toContain('text/html');
    expect(judge(operation, { ...request, isValid: false }, good)).toContain('forbids');
  });
});
