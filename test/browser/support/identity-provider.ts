/** A real OpenID Connect provider on loopback, which requires PKCE and knows each person by e-mail address. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { onTestFinished } from 'vitest';

export const CLIENT = { clientId: 'patient-sync', clientSecret: 'a secret of the tests' };

export interface TestProvider {
  issuer: string;
  /** Serves from now on; the client may return to this address only. */
  serve(redirectUri: string): void;
  /** The provider has verified the addresses that begin so. */
  verifies: string;
}

export async function startIdentityProvider(): Promise<TestProvider> {
  const http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => void http.close());
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider: TestProvider = {
    issuer,
    verifies: '',
    serve(redirectUri) {
      const configuration = {
        clients: [
          {
            client_id: CLIENT.clientId,
            client_secret: CLIENT.clientSecret,
            redirect_uris: [redirectUri],
            token_endpoint_auth_method: 'client_secret_post',
          },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'] },
        cookies: { keys: ['any text'] },
        pkce: { required: () => true },
        findAccount: (_context: unknown, login: string) => ({
          accountId: login,
          claims: async () => ({
            sub: login,
            email: `${login}@clinic.example`,
            email_verified: login.startsWith(provider.verifies),
          }),
        }),
      };
      http.on('request', new Provider(issuer, configuration).callback());
    },
  };
  return provider;
}
