/** Sign-in at an identity provider, in a real browser and with a real provider. */
import { expect } from 'vitest';
import { allowPerson, disallowPerson } from '../../src/access/identities.ts';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { isAccessible } from './support/axe.ts';
import { CLIENT, startIdentityProvider } from './support/identity-provider.ts';
import { asksForToken } from './support/sign-in.ts';
import { test } from './support/test.ts';

test('a person of the identity provider gets the account that an administrator has given', async ({
  databaseUrl,
  page,
  context,
}) => {
  const provider = await startIdentityProvider();
  const server = await startGuardedServer(databaseUrl, {
    config: { oidc: { issuer: provider.issuer, ...CLIENT } },
  });
  provider.serve(`${server.url}/api/v1/sign-in/oidc/callback`);
  const { id } = await server.newToken({ name: 'Reception', scope: 'sync' });
  const signIn = page.getByRole('button', { name: `Sign in with ${new URL(provider.issuer).host}` });
  const refused = (words: string) => page.getByText(words).waitFor();

  // No administrator has allowed the person.
  await page.goto(`${server.url}/?org=${OURS}`);
  await asksForToken(page);
  await signIn.click();
  await page.locator('input[name=login]').fill('anna');
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.locator('input[name=login]').waitFor({ state: 'detached' });
  await page.locator('button[type=submit]').click();
  await refused('no account of this server is yours');
  await isAccessible(page);
  expect(await server.database.sql`select id from browser_sessions`).toHaveLength(0);

  // An address that the provider has not verified may be that of another person.
  expect(await allowPerson(server.database, id, { email: 'anna@clinic.example' })).toBe(true);
  provider.verifies = 'none';
  const answered = page.waitForResponse((response) => response.url().includes('/sign-in?refused='));
  await signIn.click();
  await answered;
  await refused('no account of this server is yours');

  provider.verifies = 'anna';
  await page.goto(`${server.url}/?org=${OURS}`);
  await signIn.click();
  await page.locator('.badge[data-connection="live"]').waitFor();
  await page.getByRole('button', { name: 'Start Full Sync' }).waitFor();
  expect(page.url()).toBe(`${server.url}/?org=${OURS}`);
  const cookie = (await context.cookies()).find(({ name }) => name === 'patient-sync-session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  const [session] = await server.database.sql<{ hours: number }[]>`
    select extract(epoch from expires_at - created_at)::float8 / 3600 as hours from browser_sessions`;
  expect(session?.hours).toBe(12);

  // The entry is tied to the id: another person with the address gets nothing.
  const [tied] = await server.database.sql`select issuer, subject from sign_in_identities`;
  expect(tied).toEqual({ issuer: provider.issuer, subject: 'anna' });
  await disallowPerson(server.database, { email: 'anna@clinic.example' });
  await asksForToken(page);
  expect(await server.database.sql`select id from browser_sessions`).toHaveLength(0);
});

test('an answer that belongs to no sign-in of this browser gives no session', async ({ databaseUrl }) => {
  const provider = await startIdentityProvider();
  const server = await startGuardedServer(databaseUrl, {
    config: { oidc: { issuer: provider.issuer, ...CLIENT } },
  });
  provider.serve(`${server.url}/api/v1/sign-in/oidc/callback`);
  const { origin } = new URL(server.url);
  const begin = (headers: Record<string, string>, body: unknown = {}) =>
    server.api('/sign-in/oidc', { method: 'POST', headers, body: JSON.stringify(body) });
  expect((await begin({})).status).toBe(403);
  expect((await begin({ origin: 'https://evil.example' })).status).toBe(403);
  expect((await begin({ origin }, { return_to: '//evil.example' })).status).toBe(400);
  const begun = await begin({ origin });
  const [pending = ''] = begun.headers.getSetCookie();
  expect(pending).toMatch(/; Path=\/api\/v1\/sign-in\/oidc; HttpOnly; SameSite=Lax$/);
  const { location } = (await begun.json()) as { location: string };
  const asked = new URL(location).searchParams;
  expect(asked.get('code_challenge_method')).toBe('S256');
  expect(asked.get('redirect_uri')).toBe(`${server.url}/api/v1/sign-in/oidc/callback`);
  for (const name of ['state', 'nonce', 'code_challenge'])
    expect(asked.get(name)?.length).toBeGreaterThan(40);

  const finish = async (query: string, cookie?: string) => {
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie };
    const answer = await server.api(`/sign-in/oidc/callback?${query}`, { headers, redirect: 'manual' });
    expect(answer.headers.getSetCookie().filter((text) => text.includes('sync-session'))).toEqual([]);
    return answer.headers.get('location');
  };
  const cookie = pending.split(';', 1)[0] ?? '';
  const iss = encodeURIComponent(provider.issuer);
  expect(await finish(`code=x&state=${asked.get('state')}&iss=${iss}`)).toBe('/sign-in?refused=failed');
  expect(await finish(`code=x&state=other&iss=${iss}`, cookie)).toBe('/sign-in?refused=failed');
  expect(await finish(`code=x&state=${asked.get('state')}&iss=${iss}`, cookie)).toBe(
    '/sign-in?refused=failed',
  );
  expect(await finish(`error=access_denied&state=${asked.get('state')}&iss=${iss}`, cookie)).toBe(
    '/sign-in?refused=failed',
  );
});
