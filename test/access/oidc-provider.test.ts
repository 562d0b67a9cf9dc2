/** The answer of an identity provider at a sign-in: which ID tokens name a person. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openIdentityProvider } from '../../src/access/oidc-provider.ts';

const CLIENT = { clientId: 'patient-sync', clientSecret: 'a secret of the tests' };
const CALLBACK = 'https://sync.example/api/v1/sign-in/oidc/callback';

type Sign = (token: SignJWT) => Promise<string>;

/** A provider whose ID tokens the test signs. */
async function startProvider() {
  const keys = await generateKeyPair('RS256', { extractable: true });
  const published = { ...(await exportJWK(keys.publicKey)), kid: 'a', alg: 'RS256', use: 'sig' };
  const signWith = (key: CryptoKey) => (token: SignJWT) =>
    token.setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(key);
  const state = { sign: signWith(keys.privateKey) as Sign, nonce: '', keysStatus: 200 };
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
        new SignJWT({ nonce: state.nonce, email: 'anna@clinic.example', email_verified: true })
          .setIssuer(issuer)
          .setAudience(CLIENT.clientId)
          .setSubject('anna')
          .setIssuedAt()
          .setExpirationTime('5m'),
      ),
    }),
  };
  const server = createServer(async ({ url = '', headers: { host } }, response) => {
    const status = url === '/keys' ? state.keysStatus : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(await answers[url]?.(`http://${host}`)));
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
  test('names a person when a published key of the provider signed it', async () => {
    const provider = await startProvider();
    expect(await signIn(provider)).toEqual({
      issuer: provider.issuer,
      subject: 'anna',
      email: 'anna@clinic.example',
    });
  });

  test('names no person when another key signed it, or a secret, or its signature is missing', async () => {
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
  });

  test('that cannot be verified because the keys cannot be read is an outage of the provider', async () => {
    const provider = await startProvider();
    provider.state.keysStatus = 503;
    await expect(signIn(provider)).rejects.toMatchObject({ code: 'IDENTITY_PROVIDER_UNAVAILABLE' });
  });
});
