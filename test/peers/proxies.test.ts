/** Programs that stand between us and others: proxies, nginx with its default buffering, curl, and pgbouncer that pools transactions. */
import { BlockList } from 'node:net';
import { describe, expect, vi } from 'vitest';
import { StreamToken } from '#contract/access.ts';
import { Problem } from '#contract/problem.ts';
import { type GuardedServer, OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { GUIDE_PROXIES, startGuideProxy } from './support/guide-proxies.ts';
import { startNginx } from './support/nginx.ts';
import { startPgbouncer } from './support/pgbouncer.ts';
import { run } from './support/program.ts';

describe('nginx with its default buffering', () => {
  test('forwards each event at once, and a stream resumes after its cursor', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const address = `${await startNginx(server.url)}/api/v1/cliniko/sync-logs/55/events`;
    const { begin, step, end } = openExternalWriter(databaseUrl);
    const stream = await openStream(address);
    await stream.until((sent) => sent.length === 2);
    await begin();
    for (let n = 3; n <= 8; n++) {
      await stream.until((sent) => sent.length === n);
      await step();
    }
    await end();
    const sent = [...(await stream.until(hasEnded))];

    const resumed = await openStream(address, { 'last-event-id': sent[4]?.id ?? '' });
    expect((await resumed.until(hasEnded)).slice(1)).toEqual(sent.slice(5));
  });
});

const TRUSTED = new BlockList();
TRUSTED.addAddress('127.0.0.1');

describe.for(GUIDE_PROXIES)('%s as the guide configures it', (proxy) => {
  test('passes on starts, streams and sockets of pages, and the address of the client', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { config: { trustedProxies: TRUSTED } });
    const url = await startGuideProxy(proxy, server.url);
    await expectPassedOn(server, url, '');

    await fetch(`${url}/api/v1/organizations`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    // nginx and HAProxy add the client behind what the client sent, and both are trusted here. Caddy replaces it.
    const client = proxy === 'caddy' ? '127.0.0.1' : '203.0.113.9';
    // A request is logged after its response was sent.
    await vi.waitFor(() => expect(server.logged()).toContain(`address="${client}"`));
  });

  test('serves below a path', async ({ databaseUrl }) => {
    const config = { trustedProxies: TRUSTED, basePath: '/sync' };
    const server = await startGuardedServer(databaseUrl, { config });
    const url = await startGuideProxy(proxy, new URL(server.url).origin, { isBelow: true });
    await expectPassedOn(server, url, '/sync');
    expect(await (await fetch(`${url}/sync/ops`)).text()).toContain(
      '<meta name="base-path" content="/sync">',
    );
  });

  test('without accounts is refused, in words', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const url = await startGuideProxy(proxy, server.url, { health: 403 });
    expect(await (await fetch(`${url}/ops`)).json()).toMatchObject({ code: 'PROXY_NEEDS_ACCOUNTS' });
  });
});

/** What a page does: a stream token, a stream, a socket, a start, and the events of both. */
async function expectPassedOn(server: GuardedServer, origin: string, path: string): Promise<void> {
  const url = `${origin}${path}`;
  const headers = { authorization: `Bearer ${server.admin}`, origin };
  const tokens = await fetch(`${url}/api/v1/stream-tokens`, { method: 'POST', headers, body: '{}' });
  const { token } = StreamToken.parse(await tokens.json());
  const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/${OURS}/events?token=${token}`);
  const socket = await openSocket({ url }, `?organizations=*&token=${token}`, { headers: { origin } });
  await socket.until('subscribed');
  const start = await fetch(`${url}/api/v1/cliniko/sync-all/${OURS}`, { method: 'POST', headers });
  expect(start.status).toBe(200);
  await stream.until(hasEnded);
  await socket.until('completed');
}

describe('nginx that does not pass the Host on', () => {
  test.for([
    ['its default', ''],
    ['$host on another port', 'proxy_set_header Host $host;'],
  ] as const)('(%s): the refusal of a write names both headers', async ([, line], { databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const site = (upstream: string, port: number) =>
      `server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; ${line} } }`;
    const url = await startNginx(server.url, site);
    const headers = { authorization: `Bearer ${server.admin}`, origin: url };
    const answer = await fetch(`${url}/api/v1/cliniko/sync-all/${OURS}`, { method: 'POST', headers });
    const problem = Problem.parse(await answer.json());
    expect(problem).toMatchObject({ status: 403, code: 'ORIGIN_NOT_ALLOWED' });
    expect(problem.detail).toContain(`origin ${url}, but the Host header is 127.0.0.1`);
    expect(problem.detail).toContain('proxy_set_header Host $http_host');
  });
});

describe('curl', () => {
  test('shows a stream as it comes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const curl = run('curl', ['-sN', `${server.url}/api/v1/cliniko/sync-logs/55/events`]);
    let text = '';
    curl.stdout?.on('data', (chunk) => (text += chunk));
    const { begin } = openExternalWriter(databaseUrl);
    await vi.waitFor(() => expect(text).toContain('event: snapshot'), 5_000);
    await begin();
    await vi.waitFor(() => expect(text).toContain('event: started'), 5_000);
  });
});

describe('pgbouncer that pools transactions', () => {
  test('carries everything but LISTEN, which has a connection of its own', async ({ databaseUrl }) => {
    const pooled = await startPgbouncer(databaseUrl);
    const server = await startTestServer(pooled, {
      patients: 250,
      config: { listenDatabaseUrl: databaseUrl },
    });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);

    const seqs = sent.slice(2).map(({ id }) => Number(id?.split('.')[1]));
    expect(sent.at(-1)?.event).toBe('completed');
    expect(seqs).toEqual(seqs.map((_, n) => n + 1));
    const ready = await (await fetch(`${server.url}/readyz`)).json();
    expect(ready).toMatchObject({ checks: { listener: true } });
  });

  test('without one the start fails, and the error names the variable to set', async ({ databaseUrl }) => {
    const pooled = await startPgbouncer(databaseUrl);
    await expect(startTestServer(pooled, { organizations: [] })).rejects.toThrow('LISTEN_DATABASE_URL');
  });
});
