/**
 * Sign-in at an identity provider with OpenID Connect: authorization code with PKCE, state and nonce.
 *
 * The library checks what the provider answers: the issuer, the signature of the ID token, its audience, nonce and times. A
 * signature with the client's secret (HS256) is refused. The library is loaded only where `OIDC_ISSUER` is set. The
 * description of the provider is read by the first sign-in, so that a server starts while its provider is down.
 *
 * Not here: which accounts an identity gets (identities.ts), the cookie between the two requests (pending-sign-in.ts).
 */
import type * as Client from 'openid-client';
import { z } from 'zod';
import { ProblemError } from '../http/problem.ts';

export interface OidcConfig {
  /** As the provider names itself, such as `https://accounts.example.com`. */
  issuer: string;
  clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  clientSecret: string | undefined;
}

/** What a sign-in must remember until the provider has answered. */
export interface PendingSignIn {
  state: string;
  nonce: string;
  codeVerifier: string;
  redirectUri: string;
}

export interface Identity {
  issuer: string;
  /** The provider's id of the person, which never changes. */
  subject: string;
  /** In lower case; undefined: the provider has not verified that it belongs to the person. */
  email: string | undefined;
}

export interface IdentityProvider {
  /** The name of its host, for the button of the pages. */
  readonly name: string;
  /** @returns where to send the browser. @throws ProblemError IDENTITY_PROVIDER_UNAVAILABLE */
  begin(redirectUri: string): Promise<{ location: string; pending: PendingSignIn }>;
  /**
   * @param query of the request that the provider sent the browser back with
   * @returns undefined when the provider refused, or its answer does not belong to this sign-in
   * @throws ProblemError IDENTITY_PROVIDER_UNAVAILABLE
   */
  finish(query: string, pending: PendingSignIn): Promise<Identity | undefined>;
}

const TIMEOUT_SECONDS = 10;

const Claims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  email: z.email().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
});

export async function openIdentityProvider(config: OidcConfig): Promise<IdentityProvider> {
  const client = await import('openid-client');
  let known: Promise<Client.Configuration> | undefined;
  const provider = async (): Promise<Client.Configuration> => {
    known ??= discover(client, config);
    try {
      return await known;
    } catch (cause) {
      known = undefined;
      throw unavailable(cause);
    }
  };
  return {
    name: new URL(config.issuer).host,
    async begin(redirectUri) {
      const settings = await provider();
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
        redirectUri,
      };
      const location = client.buildAuthorizationUrl(settings, {
        redirect_uri: redirectUri,
        scope: 'openid email',
        code_challenge: await client.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256',
        state: pending.state,
        nonce: pending.nonce,
      });
      return { location: location.href, pending };
    },
    async finish(query, { state, nonce, codeVerifier, redirectUri }) {
      const settings = await provider();
      try {
        const tokens = await client.authorizationCodeGrant(settings, new URL(`${redirectUri}${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        const claims = Claims.parse(tokens.claims());
        if (claims.email !== undefined) return identityOf(claims);
        // Most providers leave the address out of the token when it can be asked for.
        const user = await client.fetchUserInfo(settings, tokens.access_token, claims.sub);
        return identityOf(Claims.parse({ ...user, iss: claims.iss }));
      } catch (error) {
        if (isUnreachable(client, error)) throw unavailable(error);
        // Everything else is about this sign-in: the person declined, the code was used, a check failed.
        return undefined;
      }
    },
  };
}

function discover(client: typeof Client, config: OidcConfig): Promise<Client.Configuration> {
  const { issuer, clientId, clientSecret } = config;
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret);
  // Without it the library trusts an ID token because it came over TLS, and does not look at the signature.
  const execute = [client.enableNonRepudiationChecks];
  // config/access.ts allows plain http for loopback addresses only.
  if (issuer.startsWith('http:')) execute.push(client.allowInsecureRequests);
  return client.discovery(new URL(issuer), clientId, undefined, authentication, {
    execute,
    timeout: TIMEOUT_SECONDS,
  });
}

/** An address that any person could have entered at the provider would give the account of another person. */
function identityOf({ iss, sub, email, email_verified }: z.infer<typeof Claims>): Identity {
  return {
    issuer: iss,
    subject: sub,
    email: email_verified === true ? email?.toLowerCase() : undefined,
  };
}

/** No answer, or a failure of the provider itself. */
function isUnreachable(client: typeof Client, error: unknown): boolean {
  if (error instanceof client.ClientError && error.cause instanceof Response)
    return error.cause.status >= 500;
  const code = error instanceof client.ClientError ? error.code : undefined;
  return error instanceof TypeError || code === 'OAUTH_TIMEOUT';
}

function unavailable(cause: unknown): ProblemError {
  return new ProblemError(
    'IDENTITY_PROVIDER_UNAVAILABLE',
    'The identity provider does not answer now. Try again in a moment, or use a sign-in link of the administrator.',
    { cause, headers: { 'retry-after': '5' } },
  );
}
