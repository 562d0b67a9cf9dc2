/** Invalid input gets a clear error, and the server keeps running. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { logListText } from '../support/stream.ts';

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = await response.text();
  expect(body).not.toMatch(/\bat .*:\d+:\d+|node_modules|select |insert /i);
  const problem = Problem.parse(JSON.parse(body));
  expect(problem.status).toBe(response.status);
  return problem;
}

const put = (server: TestServer, path: string, body: string) => server.api(path, { method: 'PUT', body });

const PATHS: [method: string, path: (id: string) => string, field: string][] = [
  ['POST', (id) => `/cliniko/sync-all/${id}`, 'orgId'],
  ['POST', (id) => `/cliniko/sync-active/${id}`, 'orgId'],
  ['POST', (id) => `/cliniko/sync-changed/${id}`, 'orgId'],
  ['GET', (id) => `/cliniko/sync-logs/${id}`, 'orgId'],
  ['GET', (id) => `/cliniko/sync-logs/123/${id}`, 'id'],
  ['GET', (id) => `/cliniko/sync-logs/${id}/1/timeline`, 'orgId'],
  ['GET', (id) => `/cliniko/sync-logs/${id}/events`, 'orgId'],
  ['POST', (id) => `/cliniko/sync-logs/123/${id}/cancel`, 'id'],
  ['GET', (id) => `/cliniko/quarantine/${id}`, 'orgId'],
  ['GET', (id) => `/cliniko/patients/${id}/summary`, 'orgId'],
  ['GET', (id) => `/cliniko/analytics/${id}`, 'orgId'],
  ['GET', (id) => `/organizations/${id}`, 'orgId'],
  ['PUT', (id) => `/organizations/${id}`, 'orgId'],
  ['PUT', (id) => `/organizations/${id}/cliniko-credentials`, 'orgId'],
];

describe('an invalid id', () => {
  test('is a 400 that names it, on every path', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const ids = [
      '0',
      '-1',
      '1.5',
      '2147483648',
      'abc',
      '00123',
      '1e3',
      '%20',
      '%F0%9F%92%89',
      "1'--",
      '9'.repeat(400),
    ];
    for (const [method, path, field] of PATHS) {
      for (const id of ids) {
        const body = method === 'PUT' ? '{}' : undefined;
        const response = await server.api(path(id), { method, body });
        expect(await problemOf(response), `${method} ${path(id)}`).toMatchObject({
          code: 'INVALID_PARAMETER',
          field,
        });
      }
    }
    expect((await server.api('/cliniko/sync-logs/2147483647')).status).toBe(200);
  });
});

describe('a parameter of the poll', () => {
  test.for([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=', 'limit'],
    ['status=done', 'status'],
    ['operation_type=a%20b', 'operation_type'],
    ['before=x', 'before'],
    ['before=999', 'before'],
    ['at_least=now', 'at_least'],
  ] as const)('%s is a 400 that names it', async ([query, field], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const problem = await problemOf(await server.api(`/cliniko/sync-logs/123?${query}`));
    expect(problem).toMatchObject({ code: 'INVALID_PARAMETER', field });
  });
});

describe('a parameter that is given twice', () => {
  test.for([
    ['GET', '/cliniko/sync-logs/123', 'status=completed&status=failed', 'status'],
    ['GET', '/cliniko/sync-logs/123', 'limit=1&%6cimit=1', 'limit'],
    ['GET', '/cliniko/sync-logs/123', 'at_least=a.1&at_least=a.2', 'at_least'],
    ['GET', '/cliniko/patients/123', 'ids=1&ids=2', 'ids'],
    ['GET', '/cliniko/patients/123', 'state=active&state=archived', 'state'],
    ['GET', '/cliniko/patients/123', 'search=&search=x', 'search'],
    ['GET', '/cliniko/patients/123/changes', 'since=all&since=a.1', 'since'],
    ['GET', '/runs', 'status=failed&status=running', 'status'],
    ['GET', '/overview', 'format=csv&format=json', 'format'],
    ['DELETE', '/organizations/123', 'dry_run=false&dry_run=true', 'dry_run'],
  ] as const)('%s %s?%s is a 400 that names it', async ([method, path, query, field], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const problem = await problemOf(await server.api(`${path}?${query}`, { method }));
    const detail = `"${field}" is given more than once. Send one value.`;
    expect(problem).toMatchObject({ code: 'INVALID_PARAMETER', field, detail });
    expect((await server.api('/organizations/123')).status).toBe(200);
  });

  test('is allowed where it is a list', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    expect((await server.api('/overview?state=failed&state=never')).status).toBe(200);
  });
});

describe('a body', () => {
  test.for([
    ['no JSON', '{', 'body'],
    ['a list', '[]', 'body'],
    ['a text', '"x"', 'body'],
    ['an unknown field', '{"nmae": "x"}', 'nmae'],
    ['an unknown field below', '{"validation": {"fax": "warn"}}', 'validation.fax'],
    ['a word that is none', '{"validation": {"phone": "maybe"}}', 'validation.phone'],
    ['a country that is none', '{"country": "Australia"}', 'country'],
    ['a code of no country', '{"country": "XX"}', 'country'],
    ['the code of a former country', '{"country": "HV"}', 'country'],
    ['a time zone that is none', '{"time_zone": "Mars/Olympus"}', 'time_zone'],
    ['a prototype', '{"__proto__": {"name": "x"}}', '__proto__'],
  ] as const)('with %s is a 400 that names the field', async ([, body, field], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const problem = await problemOf(await put(server, '/organizations/123', body));
    expect(problem).toMatchObject({ code: 'INVALID_PARAMETER', field });
  });

  test('over 64 KiB is a 413, with a length and without one', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const big = JSON.stringify({ name: 'x'.repeat(65 * 1024) });
    expect(await problemOf(await put(server, '/organizations/123', big))).toMatchObject({
      code: 'BODY_TOO_LARGE',
    });
    const stream = new Blob([big]).stream();
    const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body: stream, duplex: 'half' };
    expect((await server.api('/organizations/123', init)).status).toBe(413);
  });

  test('that is compressed or not in UTF-8 is a 400, with an Idempotency-Key too, and stores nothing', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const latin1 = (text: string) => Buffer.from(text, 'latin1');
    const detail = 'The body must be in UTF-8 and not compressed.';
    const name = await server.api('/organizations/123', {
      method: 'PUT',
      body: latin1('{"name": "Zahnärzte"}'),
    });
    expect(await problemOf(name)).toMatchObject({ code: 'INVALID_PARAMETER', field: 'body', detail });
    expect(await (await server.api('/organizations/123')).text()).not.toContain('Zahn');
    const compressed = await server.api('/organizations/123', {
      method: 'PUT',
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('{"name": "Clinic"}'),
    });
    expect(await problemOf(compressed)).toMatchObject({ code: 'INVALID_PARAMETER', field: 'body', detail });
    const operation = await server.api('/operations', {
      method: 'POST',
      headers: { 'idempotency-key': 'latin-1' },
      body: latin1('{"action": "pause", "reason": "Überlast", "filter": {"all": true}}'),
    });
    expect(await problemOf(operation)).toMatchObject({ field: 'body', detail });
    const ignored = await server.api('/cliniko/sync-all/123', { method: 'POST', body: latin1('ä') });
    expect(ignored.status).toBe(200);
  });

  test.for([
    ['arrays', '['.repeat(30_000), ']'.repeat(30_000)],
    ['objects', '{"a":'.repeat(9_000), `1${'}'.repeat(9_000)}`],
  ] as const)('of deeply nested %s is a 400', async ([, open, close], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    expect(await problemOf(await put(server, '/organizations/123', open + close))).toMatchObject({
      code: 'INVALID_PARAMETER',
      field: 'body',
    });
  });

  test('of any kind never ends in a 500', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        expect((await put(server, '/organizations/123', body)).status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });
});

describe('an unknown resource', () => {
  test('is a 404 for an unknown organization on a write, and an empty list on a read', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const writes = [
      '/cliniko/sync-all/9',
      '/cliniko/sync-active/9',
      '/organizations/9/cliniko-credentials/verify',
    ];
    for (const path of writes) {
      const problem = await problemOf(await server.api(path, { method: 'POST' }));
      expect(problem).toMatchObject({ status: 404, code: 'ORGANIZATION_NOT_FOUND' });
    }
    expect(await (await server.api('/cliniko/sync-logs/9')).text()).toBe(logListText(9));
    expect(await problemOf(await server.api('/cliniko/sync-logs/9/1'))).toMatchObject({
      code: 'SYNC_LOG_NOT_FOUND',
    });
  });

  test('is a 404 for an unknown path, and a 405 for another method', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    expect(await problemOf(await server.api('/nothing'))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    const html = { headers: { accept: 'text/html' } };
    expect(await problemOf(await server.api('/nothing', html))).toMatchObject({ code: 'NOT_FOUND' });
    for (const [method, path] of PATHS) {
      const response = await server.api(path('123'), { method: 'PATCH' });
      expect(response.headers.get('allow')).toContain(method);
      expect(await problemOf(response)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    }
  });
});

describe('a request from another origin', () => {
  test('is refused by the name it uses for us, and by the page it comes from', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, {
      config: { allowedOrigins: ['https://admin.example'] },
    });
    const raw = async (...headers: string[]) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      socket.write(
        `POST /api/v1/cliniko/sync-all/9 HTTP/1.1\r\nconnection: close\r\n${headers.join('\r\n')}\r\n\r\n`,
      );
      return text(socket);
    };
    expect(await raw('host: clinic.example')).toContain('HOST_NOT_ALLOWED');
    expect(await raw('host: localhost:8000')).toContain('ORGANIZATION_NOT_FOUND');
    expect(await raw('host: localhost', 'origin: https://evil.example')).toContain('ORIGIN_NOT_ALLOWED');
    expect(await raw('host: localhost', 'origin: null')).toContain('ORIGIN_NOT_ALLOWED');
    expect(await raw('host: localhost', 'origin: https://admin.example')).toContain('ORGANIZATION_NOT_FOUND');
    expect(await raw('host: localhost:1', 'origin: http://localhost:1')).toContain('ORGANIZATION_NOT_FOUND');
  });
});

describe('malformed HTTP', () => {
  test.for([
    ['garbage', 'hello\r\n\r\n'],
    ['a broken escape', 'GET /api/v1/organizations/%zz HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    [
      'a broken escape in the query',
      'GET /api/v1/cliniko/sync-logs/1?limit=%zz HTTP/1.1\r\nhost: localhost\r\n\r\n',
    ],
    ['a foreign target', 'GET http://evil.example/api HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['a star', 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['no host', 'GET /docs HTTP/1.1\r\n\r\n'],
    ['a nasty host', 'GET /healthz HTTP/1.1\r\nhost: localhost:99999/../x\r\n\r\n'],
    ['a host of wrong numbers', 'GET /api/v1/overview HTTP/1.1\r\nhost: 127.999.0.1\r\n\r\n'],
    [
      'a target with a user',
      'DELETE http://user:word@localhost/api/v1/overview HTTP/1.1\r\nhost: localhost\r\n\r\n',
    ],
    ['a target of wrong numbers', 'GET http://1.2.3.4.5/api/v1/overview HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['a huge header', `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
    ['a climb out of the pages', 'GET /assets/../../../package.json HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['an escaped climb', 'GET /assets/..%2f..%2f..%2fpackage.json HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ] as const)('%s is refused, and other clients are not affected', async ([, request], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(request.replace(' HTTP/1.1\r\n', ' HTTP/1.1\r\nconnection: close\r\n'));
    const answer = await text(socket).catch(() => '');
    expect(answer).toMatch(/^HTTP\/1.1 4/);
    expect(answer).not.toContain('"patient-sync"');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
