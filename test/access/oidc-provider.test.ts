/** The answer of an identity provider at a sign-in: which ID tokens name a person, and which account the person gets. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test as plainTest } from 'vitest';
import { createToken, hashOf, revokeToken } from '../../src/access/api-tokens.ts';
import { findSessions, openSession } from '../../src/access/browser-sessions.ts';
import { accountOf, allowPerson } from '../../src/access/identities.ts';
import { openIdentityProvider } from '../../src/access/oidc-provider.ts';
import { openDatabase } from '../../src/database/open.ts';
import { test } from '../support/database.ts';

const CLIENT = { clientId: 'patient-sync', clientSecret: 'a secret of the tests' };
const CALLBACK = 'https://sync.example/api/v1/sign-in/oidc/callback';

type Sign = (token: SignJWT) => Promise<string>;

/** A provider whose ID tokens the test signs. */
async function startProvider() {
  const keys = await generateKeyPair('RS256', { extractable: true });
  const published = { ...(await exportJWK(keys.publicKey)), kid: 'a', alg: 'RS256', use: 'sig' };
  const signWith = (key: CryptoKey) => (token: SignJWT) =>
    token.setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(key);
  const state = {
    sign: signWith(keys.privateKey) as Sign,
    nonce: '',
    claims: { email: 'anna@clinic.example', email_verified: true } as Record<string, unknown>,
    statuses: {} as Record<string, number>,
  };
  const answers: Record<string, (issuer: string) => unknown> = {
    '/.well-known/openid-configuration': (issuer) => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    }),
    '/keys': () => ({ keys: [published] }),
    '/token': async (issuer) => ({
      access_token: 'x',
      token_type: 'bearer',
      id_token: await state.sign(
        new SignJWT({ nonce: state.nonce, ...state.claims })
          .setIssuer(issuer)
          .setAudience(CLIENT.clientId)
          .setSubject('anna')
          .setIssuedAt()
          .setExpirationTime('5m'),
      ),
    }),
  };
  const server = createServer(async ({ url = '', headers: { host } }, response) => {
    response.writeHead(state.statuses[url] ?? 200, { 'content-type': 'application/json' });
    const isRefused = state.statuses[url] !== undefined;
    response.end(JSON.stringify(isRefused ? { error: 'x' } : await answers[url]?.(`http://${host}`)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { state, signWith, issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A sign-in from its start to the answer of the provider. */
async function signIn({ state, issuer }: Awaited<ReturnType<typeof startProvider>>) {
  const provider = await openIdentityProvider({ issuer, ...CLIENT });
  const { pending } = await provider.begin(CALLBACK);
  state.nonce = pending.nonce;
  return provider.finish(`?code=c&state=${pending.state}`, pending);
}

describe('the ID token of a sign-in', () => {
  plainTest('names a person when a published key of the provider signed it', async () => {
    const provider = await startProvider();
    expect(await signIn(provider)).toEqual({
      issuer: provider.issuer,
      subject: 'anna',
      email: 'anna@clinic.example',
    });
  });

  plainTest(
    'names no person when another key signed it, or a secret, or its signature is missing',
    async () => {
      const provider = await startProvider();
      const foreign = await generateKeyPair('RS256');
      const secret = new TextEncoder().encode(CLIENT.clientSecret);
      const signed = provider.state.sign;
      const forgeries: Record<string, Sign> = {
        'another key': provider.signWith(foreign.privateKey),
        "the client's secret": (token) => token.setProtectedHeader({ alg: 'HS256' }).sign(secret),
        'no signature': async (token) => (await signed(token)).replace(/[^.]*$/, ''),
      };
      for (const [what, sign] of Object.entries(forgeries)) {
        provider.state.sign = sign;
        expect(await signIn(provider), what).toBeUndefined();
      }
    },
  );

  plainTest(
    'gives the address of the person in lower case, if the provider says that it is verified',
    async () => {
      const provider = await startProvider();
      const emailOf = async (claims: object) => {
        provider.state.claims = { email: 'Anna@Clinic.example', ...claims };
        return (await signIn(provider))?.email ?? 'none';
      };
      expect(await emailOf({ email_verified: true })).toBe('anna@clinic.example');
      for (const email_verified of [false, undefined, 'true', 1])
        expect(await emailOf({ email_verified }), String(email_verified)).toBe('none');
    },
  );

  plainTest(
    'that the provider cannot give, or nothing can verify, is an outage of the provider',
    async () => {
      const provider = await startProvider();
      for (const path of ['/keys', '/token']) {
        provider.state.statuses = { [path]: 503 };
        await expect(signIn(provider), path).rejects.toMatchObject({ code: 'IDENTITY_PROVIDER_UNAVAILABLE' });
      }
      // The code was used already.
      provider.state.statuses = { '/token': 400 };
      expect(await signIn(provider)).toBeUndefined();
    },
  );
});

describe('the account of a person', () => {
  test('belongs to the first who signs in with the address, and passes to no other person with it', async ({
    databaseUrl,
  }) => {
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    const { sql } = database;
    const create = () =>
      createToken(database, { name: 'Test', scope: 'read', organizations: '*', expiresInDays: 1 });
    const [{ id }, { id: ofCarl }] = [await create(), await create()];
    const email = 'anna@clinic.example';
    await allowPerson(database, id, { email });
    await allowPerson(database, ofCarl, { subject: 'carl' });
    const find = (subject: string, more: { email?: string; issuer?: string } = {}) =>
      accountOf(sql, { issuer: 'https://id.example', email: undefined, subject, ...more }, undefined);

    expect(await find('anna')).toBeUndefined();
    expect(await find('anna', { email: 'other@clinic.example' })).toBeUndefined();
    const account = await find('anna', { email });
    expect(account).toMatchObject({ tokenId: id });
    expect(await find('bob', { email })).toBeUndefined();
    expect(await find('anna', { email, issuer: 'https://other.example' })).toBeUndefined();
    expect(await find('anna', { email: 'new@clinic.example' })).toEqual(account);
    expect(await find('carl')).toMatchObject({ tokenId: ofCarl });
    // A second entry is for another person: this one has an account.
    await allowPerson(database, ofCarl, { email: 'new@clinic.example' });
    expect(await find('anna', { email: 'new@clinic.example' })).toEqual(account);
    expect(await find('dora', { email: 'new@clinic.example' })).toMatchObject({ tokenId: ofCarl });

    // Its session is not renewed: the next sign-in decides.
    const session = await openSession(sql, id, {}, account?.identityId);
    await sql`update browser_sessions set renewed_at = now() - interval '2 days'`;
    const found = await findSessions(database, [hashOf(session)], undefined);
    expect(found.get(hashOf(session))?.isDue).toBe(false);
    // Of a revoked token nothing is left, and no other entry takes its place.
    await revokeToken(database, id);
    await allowPerson(database, ofCarl, { email: 'later@clinic.example' });
    expect(await find('anna', { email })).toBeUndefined();
    expect(await find('anna', { email: 'later@clinic.example' })).toBeUndefined();
  });
});
