/** Statuses that a request gets whatever its route does are in the document too. */
import { describe, expect } from 'vitest';
import { requirementFor } from '../../src/access/route-policy.ts';
import { LEGACY_OPERATIONS } from '../../src/legacy/operations.ts';
import { OPERATIONS as OWN_OPERATIONS } from '../../src/openapi/document.ts';
import { test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Document, type Operation, operationsOf } from './support/fuzzer.ts';

const HEADER = 'Idempotency-Key';

async function documentOf(server: TestServer): Promise<Operation[]> {
  const document: Document = await (await fetch(`${server.url}/openapi.json`)).json();
  return operationsOf(document);
}

const addressOf = (server: TestServer, { path }: Operation) =>
  server.url + path.replace('{orgId}', '123').replace(/\{\w+\}/g, '1');

/** @returns the status, which must be documented with the type of the answer */
async function documentedStatus(operation: Operation, response: Response): Promise<number> {
  await response.body?.cancel();
  const type = response.headers.get('content-type')?.split(';')[0];
  const documented = operation.responses[response.status];
  const what = `${operation.operationId} ${response.status} ${type}`;
  expect(documented, what).toBeDefined();
  if (type !== undefined) expect(Object.keys(documented?.content ?? {}), what).toContain(type);
  return response.status;
}

describe('the document', () => {
  test('has the 413 of every route for a large body', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const writes = (await documentOf(server)).filter(({ method }) => method !== 'GET');
    const body = `{"x": "${'x'.repeat(70_000)}"}`;
    for (const operation of writes) {
      const response = await fetch(addressOf(server, operation), { method: operation.method, body });
      expect(await documentedStatus(operation, response), operation.operationId).toBe(413);
    }
  });

  test('has the 400 and the 431 of every route for an address and headers that no route reads', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    for (const operation of await documentOf(server)) {
      const { method } = operation;
      const withNul = await fetch(`${addressOf(server, operation)}?x=%00`, { method });
      expect(await documentedStatus(operation, withNul), operation.operationId).toBe(400);
      const headers = { 'x-large': 'x'.repeat(20_000) };
      const large = await fetch(addressOf(server, operation), { method, headers });
      expect(await documentedStatus(operation, large), operation.operationId).toBe(431);
    }
  });

  test('has the Idempotency-Key of every route that obeys it, the old starts included', () => {
    const all = [...OWN_OPERATIONS, ...LEGACY_OPERATIONS];
    const obeys = all.filter(({ method, path }) => requirementFor(method.toUpperCase(), path).startsSync);
    expect(obeys).toHaveLength(10);
    expect(all.filter(({ headers = {} }) => HEADER in headers)).toEqual(obeys);
  });

  test('has the 422 of a start whose key was used for another request, and the 400 of an invalid key', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    const starts = (await documentOf(server)).filter(({ parameters = [] }) =>
      parameters.some(({ name }) => name === HEADER),
    );
    const send = (operation: Operation, key: string, organizationId: number) =>
      fetch(addressOf(server, operation).replace('123', String(organizationId)), {
        method: 'POST',
        headers: { [HEADER]: key, 'x-organization-id': String(organizationId) },
      });
    const first = await server.api('/cliniko/sync-all/123', { method: 'POST', headers: { [HEADER]: 'k' } });
    expect(first.status).toBe(200);
    for (const operation of starts) {
      // Another organization, so it is another request on each route.
      expect(await documentedStatus(operation, await send(operation, 'k', 124))).toBe(422);
      expect(await documentedStatus(operation, await send(operation, 'a key', 123))).toBe(400);
      expect(operation.responses).toHaveProperty('409');
    }
  });

  test('has the 304 of every read with an ETag', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    const withEtag: string[] = [];
    for (const operation of (await documentOf(server)).filter(({ method }) => method === 'GET')) {
      const address = addressOf(server, operation);
      const first = await fetch(address, { redirect: 'manual' });
      await first.body?.cancel();
      const etag = first.headers.get('etag');
      if (etag === null) continue;
      const again = await fetch(address, { headers: { 'if-none-match': etag } });
      expect(await documentedStatus(operation, again), operation.operationId).toBe(304);
      withEtag.push(operation.operationId);
    }
    expect(withEtag).toEqual(expect.arrayContaining(['listSyncLogs', 'getEmbed', 'legacyDashboard']));
    const documented = (await documentOf(server)).filter(({ responses }) => '304' in responses);
    expect(documented.map(({ operationId }) => operationId)).toEqual(withEtag);
  });
});
