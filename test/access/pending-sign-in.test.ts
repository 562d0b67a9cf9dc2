/** The cookie of a sign-in that waits for the identity provider: what a browser stores, and what the server reads. */
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { createPendingSignIns } from '../../src/access/pending-sign-in.ts';
import { cookieOf } from './support/browser-session.ts';

const KEY = Buffer.alloc(32, 7);

/** The answer that begins a sign-in on a page of this origin. */
async function begin(origin: string, basePath: string): Promise<Response> {
  const redirectUri = `${origin}${basePath}/api/v1/sign-in/oidc/callback`;
  const content = { state: 's', nonce: 'n', codeVerifier: 'v', redirectUri, returnTo: '/' };
  const app = new Hono().get('/', async (c) => {
    await createPendingSignIns(KEY, basePath).store(c, content);
    return c.body(null);
  });
  return await app.request('/');
}

/** @returns whether the sign-in of this cookie can be finished, and the cookies that the answer sets */
async function finish(cookie: string, basePath: string): Promise<{ found: boolean; set: string[] }> {
  const app = new Hono().get('/', async (c) =>
    c.json((await createPendingSignIns(KEY, basePath).take(c)) !== undefined),
  );
  const answer = await app.request('/', { headers: { cookie } });
  return { found: await answer.json(), set: answer.headers.getSetCookie() };
}

describe('the cookie of a sign-in at an identity provider', () => {
  test.for([
    ['https://sync.example', '', '__Host-', '/'],
    ['https://sync.example', '/sync', '__Secure-', '/sync/api/v1/sign-in/oidc'],
    ['http://localhost:8000', '', '', '/api/v1/sign-in/oidc'],
  ] as const)('of a page of %s%s has the prefix "%s"', async ([origin, basePath, prefix, path]) => {
    const begun = await begin(origin, basePath);
    const name = `${prefix}patient-sync-sign-in`;
    const attributes = `; Max-Age=600; Path=${path}; HttpOnly; ${prefix === '' ? '' : 'Secure; '}SameSite=Lax`;
    expect(begun.headers.getSetCookie()).toEqual([`${cookieOf(begun)}${attributes}`]);
    expect(cookieOf(begun).startsWith(`${name}=`)).toBe(true);

    const { found, set } = await finish(cookieOf(begun), basePath);
    expect(found).toBe(true);
    expect(set).toEqual([`${name}=${attributes.replace('600', '0')}`]);
  });

  test('counts over https only under the name that no other host can set', async () => {
    const cookie = cookieOf(await begin('https://sync.example', ''));
    // Another host of the domain may set this name, with a sign-in of its own account.
    const planted = cookie.replace('__Host-', '');
    expect((await finish(planted, '')).found).toBe(false);
    expect((await finish(`${planted}; ${cookie}`, '')).found).toBe(true);
    expect((await finish('__Host-patient-sync-sign-in=x', '')).found).toBe(false);
  });
});
