/** `BASE_PATH`: every address below it, in routes, documents and pages. In a browser behind nginx: test/peers/base-path.test.ts. */
import { describe, expect } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { withoutBasePath } from '../../src/http/base-path.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { hasEnded, openStream } from '../support/stream.ts';

const configured = (path: string) => readConfig({ BASE_PATH: path }, [], false).basePath;

describe('BASE_PATH', () => {
  test.for([
    ['/sync', '/sync'],
    ['/sync/', '/sync'],
    ['/a/b-c.d_e~f', '/a/b-c.d_e~f'],
    ['/', ''],
    ['', ''],
  ] as const)('%s is read as %s', ([written, read]) => expect(configured(written)).toBe(read));

  test.for(['sync', '//sync', '/..', '/a/../b', '/a b', '/a?b', '/a"b', 'https://example.com/sync'])(
    '%s stops the start',
    (path) => expect(() => configured(path)).toThrow(/^BASE_PATH must be a path such as \/sync, .* it was "/),
  );
});

describe('an address', () => {
  test.for([
    ['/sync', '/'],
    ['/sync/', '/'],
    ['/sync?org=1', '/?org=1'],
    ['/sync/api/v1/x?y=/sync', '/api/v1/x?y=/sync'],
    ['/healthz', '/healthz'],
    ['/readyz?verbose', '/readyz?verbose'],
    ['/', undefined],
    ['/syncs', undefined],
    ['/api/v1/organizations', undefined],
    ['/health', undefined],
    ['*', undefined],
  ] as const)('%s is %s below /sync', ([url, route]) => expect(withoutBasePath(url, '/sync')).toBe(route));

  test.for(['/', '/ops', '/api/v1/x?y', '*'])('%s is unchanged without a base path', (url) =>
    expect(withoutBasePath(url, '')).toBe(url),
  );
});

describe('a server below /sync', () => {
  test('answers routes, streams, the WebSocket, pages and documents there, and only health checks elsewhere', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 20, config: { basePath: '/sync' } });
    const { origin, pathname } = new URL(server.url);
    expect(pathname).toBe('/sync');
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    const socket = await openSocket(server, '?organizations=*');
    await socket.until('subscribed');
    expect((await server.api('/cliniko/sync-all/123', { method: 'POST' })).status).toBe(200);
    await stream.until(hasEnded);
    await socket.until('completed');

    const text = async (path: string) => (await fetch(`${server.url}${path}`)).text();
    for (const path of ['', '/', '/ops', '/ops/']) {
      const page = await text(path);
      expect(page).toContain('<meta name="base-path" content="/sync">');
      const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
      expect(files.length).toBeGreaterThan(2);
      for (const file of files) {
        expect(file).toMatch(/^\/sync\/assets\//);
        expect((await fetch(`${origin}${file}`)).status, file).toBe(200);
      }
    }
    const unknown = await fetch(`${server.url}/nothing/here`, { headers: { accept: 'text/html' } });
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toContain('text/html');
    expect(await unknown.text()).toContain('href="/sync/ops"');
    const { servers, paths } = JSON.parse(await text('/openapi.json'));
    expect(paths).toHaveProperty(['/api/v1/overview', 'get']);
    expect((await fetch(`${origin}${servers[0].url}/api/v1/overview`)).status).toBe(200);
    expect(await text('/asyncapi.json')).toContain('"/sync/api/v1/cliniko/ws"');
    const links = [...(await text('/docs')).matchAll(/href="(\/[^"]*)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect((await fetch(`${origin}${link}`)).status, link).toBe(200);

    for (const path of ['/healthz', '/readyz']) expect((await fetch(`${origin}${path}`)).status).toBe(200);
    const outside = await fetch(`${origin}/api/v1/organizations`);
    expect(outside.status).toBe(404);
    expect(await outside.json()).toMatchObject({
      code: 'NOT_FOUND',
      detail: expect.stringContaining('below /sync/ (BASE_PATH)'),
    });
  });
});
