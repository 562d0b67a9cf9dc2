/** The files of the pages, as browsers request them. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { pageRoutes } from '../../src/server/page-routes.ts';

const ACCEPTED = 'gzip, deflate, br';
const routes = pageRoutes('');

async function scriptOf(path: string): Promise<string> {
  const html = await (await routes.request(path)).text();
  return /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
}

async function bytesOf(path: string, encoding: string): Promise<{ bytes: Buffer; headers: Headers }> {
  const response = await routes.request(path, { headers: { 'accept-encoding': encoding } });
  expect(response.status).toBe(200);
  return { bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers };
}

describe('a script', () => {
  test('comes compressed to a browser that accepts it, and as it is to others', async () => {
    for (const path of [await scriptOf('/'), '/embed/sync-progress.js']) {
      const plain = await bytesOf(path, 'identity');
      expect(plain.headers.get('content-encoding')).toBeNull();
      expect(plain.headers.get('vary')).toBe('Accept-Encoding');
      const [brotli, gzip] = [await bytesOf(path, ACCEPTED), await bytesOf(path, 'gzip')];
      expect(brotliDecompressSync(brotli.bytes)).toEqual(plain.bytes);
      expect(gunzipSync(gzip.bytes)).toEqual(plain.bytes);
      for (const { bytes, headers } of [brotli, gzip]) {
        expect(bytes.length).toBeLessThan(plain.bytes.length / 2);
        expect(headers.get('vary')).toBe('Accept-Encoding');
        expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
        expect(headers.get('cache-control')).toContain('public, max-age=');
      }
    }
  });

  test('of the element is not sent again while it is the same', async () => {
    const headers = { 'accept-encoding': ACCEPTED };
    const first = await routes.request('/embed/sync-progress.js', { headers });
    const etag = first.headers.get('etag') ?? '';
    const again = await routes.request('/embed/sync-progress.js', {
      headers: { ...headers, 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
    expect(again.headers.get('access-control-allow-origin')).toBe('*');
    expect(again.headers.get('vary')).toContain('Accept-Encoding');
  });

  test('of the element has one ETag, also for HEAD and for a request for a part, which gets all of it', async () => {
    const path = '/embed/sync-progress.js';
    const headers = { 'accept-encoding': ACCEPTED };
    const whole = await routes.request(path, { headers });
    const head = await routes.request(path, { method: 'HEAD', headers });
    const part = await routes.request(path, { headers: { ...headers, range: 'bytes=0-9' } });
    expect(await head.text()).toBe('');
    expect(part.status).toBe(200);
    expect(await part.arrayBuffer()).toEqual(await whole.arrayBuffer());
    for (const { headers } of [head, part]) expect(headers.get('etag')).toBe(whole.headers.get('etag'));
  });
});

test('a file of another version is not found', async () => {
  expect((await routes.request('/assets/index-old.js')).status).toBe(404);
});

test('a page allows only the script that is part of it, by another nonce each time', async () => {
  const nonces = await Promise.all(
    ['/', '/ops', '/sign-in', '/notifications', '/'].map(async (path) => {
      const response = await routes.request(path);
      const [, nonce] = /<script nonce="([^"]+)">/.exec(await response.text()) ?? [];
      expect(response.headers.get('content-security-policy')).toContain(
        `script-src 'self' 'nonce-${nonce}';`,
      );
      return nonce;
    }),
  );
  expect(new Set(nonces).size).toBe(nonces.length);
});
