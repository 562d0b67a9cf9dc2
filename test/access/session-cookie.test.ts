/** The name and the attributes of the cookie of a session: what a browser stores, and what the server reads. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { browserWith, cookieOf, newCode, postCode, signInBrowser } from './support/browser-session.ts';
import { startGuardedServer } from './support/guarded-server.ts';

describe('the cookie of a session', () => {
  test('is for https only where the page is, and for BASE_PATH', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { config: { basePath: '/sync' } });
    const { id } = await server.newToken();
    const origin = new URL(server.url).origin;
    const attributesOf = async (headers: Record<string, string>) => {
      const [cookie = ''] = (
        await postCode(server, await newCode(server, id), headers)
      ).headers.getSetCookie();
      const [, ...attributes] = cookie.toLowerCase().split('; ');
      // Its value depends on the second in which the answer is sent.
      return attributes.map((attribute) => attribute.replace(/^max-age=\d+$/, 'max-age')).sort();
    };
    const plain = ['httponly', 'max-age', 'path=/sync', 'samesite=strict'];
    expect(await attributesOf({ origin })).toEqual(plain);
    expect(await attributesOf({ origin: origin.replace('http:', 'https:') })).toEqual(
      [...plain, 'secure'].sort(),
    );
    const answer = await postCode(server, await newCode(server, id), {
      origin: origin.replace('http:', 'https:'),
    });
    expect(cookieOf(answer)).toMatch(/^__Secure-patient-sync-session=/);
    expect((await browserWith(server, cookieOf(answer)).ask('/account')).status).toBe(200);
  });

  test('counts over https only with the prefix that keeps other hosts from setting it', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const { id } = await server.newToken();
    const { origin } = new URL(server.url);
    const { cookie } = await signInBrowser(server, id);
    expect(cookie).toMatch(/^patient-sync-session=/);
    // Not with `fetch`, which sends a Host of its own.
    const statusWith = async (headers: Record<string, string>) => {
      const asked = get(`${server.url}/api/v1/account`, { headers: { cookie, ...headers } });
      const [response]: IncomingMessage[] = await once(asked, 'response');
      return response?.resume().statusCode;
    };
    // Without https: on this machine, and in the network of a clinic, where browsers send no Sec-Fetch-Site.
    expect(await statusWith({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await statusWith({ 'sec-fetch-site': 'same-origin', host: 'sync.localhost:8000' })).toBe(200);
    expect(await statusWith({ origin })).toBe(200);
    expect(await statusWith({ host: 'sync.clinic.example' })).toBe(200);

    expect(await statusWith({ origin: origin.replace('http:', 'https:') })).toBe(401);
    expect(await statusWith({ 'sec-fetch-site': 'same-origin', host: 'sync.example.com' })).toBe(401);
    expect(await statusWith({ 'sec-fetch-site': 'none', host: 'sync.example.com' })).toBe(401);
  });

  test('of another server on the same host changes nothing', async ({ databaseUrl }) => {
    const foreign = `patient-sync-session=${'x'.repeat(43)}`;
    for (const [basePath, own, other] of [
      ['/sync', '__Secure-', '__Host-'],
      ['', '__Host-', '__Secure-'],
    ] as const) {
      const server = await startGuardedServer(databaseUrl, { config: { basePath }, organizations: [] });
      const { id } = await server.newToken();
      const https = { origin: new URL(server.url).origin.replace('http:', 'https:') };
      const cookie = cookieOf(await postCode(server, await newCode(server, id), https));
      expect(cookie).toMatch(new RegExp(`^${own}patient-sync-session=`));
      const browser = browserWith(server, `${other}${foreign}; ${cookie}; ${foreign}`);
      expect((await browser.ask('/account')).status).toBe(200);
      const signOut = await browser.ask('/sign-out', { method: 'POST', body: '{}' });
      expect(cookieOf(signOut)).toBe(`${own}patient-sync-session=`);
      expect((await browser.ask('/account')).status).toBe(401);
    }
  });
});
