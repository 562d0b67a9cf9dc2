/** A field that a route does not know is refused, so that a misspelt option changes nothing. Old clients keep their own fields. */
import { describe, expect } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { LEGACY_OPERATIONS } from '../../src/legacy/operations.ts';
import { OPERATIONS } from '../../src/openapi/document.ts';
import type { Operation } from '../../src/openapi/operation.ts';
import { ignoresUnknownFields } from '../../src/server/refuse-unknown-fields.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { startSocket } from '../support/socket.ts';

const STRICT = OPERATIONS.filter((operation) => !ignoresUnknownFields(operation));
const LENIENT = [...OPERATIONS, ...LEGACY_OPERATIONS].filter(ignoresUnknownFields);
const WITHOUT_BODY = STRICT.filter(({ method, body }) => method !== 'get' && body === undefined);

const nameOf = ({ method, path }: Operation) => `${method.toUpperCase()} ${path}`;
const addressOf = ({ path }: Operation) => path.replace(':orgId', '123').replace(/:\w+/g, '1');

/** What the server says of a request that it refuses for a field; undefined when it does not. */
async function refusedField(response: Response): Promise<string | undefined> {
  if (response.status !== 400) {
    await response.body?.cancel();
    return undefined;
  }
  const problem = Problem.parse(await response.json());
  expect(problem.code).toBe('INVALID_PARAMETER');
  return problem.field;
}

const ask = (server: TestServer, operation: Operation, query: string, body?: string) =>
  fetch(`${server.url}${addressOf(operation)}${query}`, {
    method: operation.method,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  });

describe('an unknown parameter', () => {
  test('is a 400 that names it, on every route except those of old clients, pages and probes', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    for (const operation of STRICT) {
      const response = await ask(server, operation, '?unknown_field=1');
      expect(await refusedField(response), nameOf(operation)).toBe('unknown_field');
    }
    for (const operation of LENIENT) {
      const response = await ask(server, operation, '?unknown_field=1');
      expect(await refusedField(response), nameOf(operation)).not.toBe('unknown_field');
    }
  });

  test('is ignored below /api by the routes of the old service, by its poll and stream, and by no other', () => {
    const ours = LENIENT.filter(({ path, deprecated }) => path.startsWith('/api/') && !deprecated);
    expect(ours.map(nameOf).sort()).toEqual([
      'GET /api/v1/cliniko/sync-logs/:orgId',
      'GET /api/v1/cliniko/sync-logs/:orgId/events',
      'GET /api/v1/sign-in/oidc/callback',
      'POST /api/v1/cliniko/sync-active/:orgId',
      'POST /api/v1/cliniko/sync-all/:orgId',
    ]);
    expect(LEGACY_OPERATIONS.every(ignoresUnknownFields)).toBe(true);
  });

  test('is named beside the parameters that the address takes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const detailOf = async (path: string) => Problem.parse(await (await server.api(path)).json()).detail;
    expect(await detailOf('/overview?limit=5&stat=failed&x=1')).toBe(
      '"stat" is not a known parameter: this address takes state, limit, after, format.',
    );
    expect(await detailOf('/organizations?x')).toBe('"x" is not a known parameter: this address takes none.');
    expect(await refusedField(await server.api('/organizations?=1'))).toBe('query');
    expect(await refusedField(await server.api(`/organizations?${'x'.repeat(500)}`))).toBe('x'.repeat(100));
  });

  test('of a deletion deletes nothing', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const response = await server.api('/organizations/123?dryrun=true', { method: 'DELETE' });
    expect(await refusedField(response)).toBe('dryrun');
    expect((await server.api('/organizations/123')).status).toBe(200);
    const preview = await server.api('/organizations/123?dry_run=true', { method: 'DELETE' });
    expect(await preview.json()).toMatchObject({ dry_run: true });
  });

  test('does not use up an Idempotency-Key', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    const start = (query: string) =>
      server.api(`/cliniko/sync-changed/123${query}`, {
        method: 'POST',
        headers: { 'idempotency-key': 'night-29' },
      });
    expect(await refusedField(await start('?mode=full'))).toBe('mode');
    expect((await start('')).status).toBe(200);
  });

  test('refuses the handshake of a WebSocket', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await startSocket(server, '?organisations=*').closed).toBe(400);
    expect(await startSocket(server, '?organizations=1&organizations=2').closed).toBe(400);
  });

  test('is no way to learn about a route or an organization without the right to it', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const token = await server.token({ scope: 'admin' });
    const path = (id: number) => `/organizations/${id}?unknown_field=1`;
    expect((await server.as(undefined, path(OURS))).status).toBe(401);
    expect((await server.as(token, path(THEIRS))).status).toBe(403);
    expect((await server.as(token, path(OURS))).status).toBe(400);
    expect(await startSocket(server, '?unknown_field=1').closed).toBe(4401);
  });
});

describe('a body', () => {
  test('is a 400 on every route that takes none, unless it is empty', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(WITHOUT_BODY.length).toBeGreaterThan(8);
    const bodies = [
      ['{"unknown_field": 1}', 'unknown_field'],
      ['not json', 'body'],
      ['[]', 'body'],
    ] as const;
    for (const operation of WITHOUT_BODY) {
      for (const [body, field] of bodies) {
        const response = await ask(server, operation, '', body);
        expect(await refusedField(response), `${nameOf(operation)} ${body}`).toBe(field);
      }
      for (const body of ['', ' \n', '{}', 'null']) {
        const response = await ask(server, operation, '', body);
        expect(await refusedField(response), `${nameOf(operation)} "${body}"`).toBeUndefined();
      }
    }
  });

  test('with ids does not confirm every held patient', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const confirm = (body: string) =>
      server.api('/cliniko/patients/123/missing/confirm', { method: 'POST', body });
    expect(await refusedField(await confirm('{"ids": ["1"]}'))).toBe('ids');
    expect(await (await confirm('{}')).json()).toEqual({ confirmed: 0 });
  });

  test('of any kind starts a sync under the names of the old service', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    for (const path of ['sync-all', 'sync-active', 'sync', 'sync-comprehensive', 'sync-simple']) {
      for (const body of ['{"force": true}', 'not json', '']) {
        const response = await server.api(`/cliniko/${path}/123?_=1764496800`, { method: 'POST', body });
        expect(response.status, `${path} ${body}`).toBe(200);
      }
    }
  });
});
