/** Sign-in at the identity provider: the start, which sends the browser there, and the address to which the provider returns it. */
import { type Context, Hono } from 'hono';
import { type ProviderSignIn, ProviderSignInRequest } from '#contract/access.ts';
import { clientAddress } from '../http/client-address.ts';
import type { NodeRoutes } from '../http/node-context.ts';
import { jsonBody } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { openSession, PROVIDER_SESSION_HOURS } from './browser-sessions.ts';
import { accountOf } from './identities.ts';
import type { Identity, IdentityProvider, PendingSignIn } from './oidc-provider.ts';
import { prefixFor, requireOwnPage, storeSessionCookie } from './session-cookie.ts';
import { endOldSession, type OidcSignIn, type SessionDeps } from './session-routes.ts';

export interface OidcDeps extends SessionDeps {
  logger: Logger;
}

/** Why the page of `/sign-in` says that there is no session. */
type Refusal = 'not-allowed' | 'failed' | 'unavailable';

const HOUR_MS = 3_600_000;
const CALLBACK = '/api/v1/sign-in/oidc/callback';

export function oidcRoutes(deps: OidcDeps): NodeRoutes {
  const routes: NodeRoutes = new Hono();
  routes.post('/sign-in/oidc', async (c) => {
    const { provider, pendingSignIns } = requireProvider(deps);
    requireOwnPage(c);
    const { return_to } = await jsonBody(c, ProviderSignInRequest);
    // The browser names the origin of the page: behind a proxy this server does not see its scheme.
    const redirectUri = `${c.req.header('origin')}${deps.basePath}${CALLBACK}`;
    const { location, pending } = await provider.begin(redirectUri);
    await pendingSignIns.store(c, { ...pending, returnTo: return_to });
    const answer: ProviderSignIn = { location };
    return c.json(answer);
  });
  routes.get('/sign-in/oidc/callback', async (c) => {
    const outcome = await finish(c, deps);
    const page = typeof outcome === 'string' ? `/sign-in?refused=${outcome}` : outcome.returnTo;
    return c.redirect(`${deps.basePath}${page}`, 303);
  });
  return routes;
}

function requireProvider({ oidc, authenticator }: OidcDeps): OidcSignIn {
  if (oidc !== undefined && authenticator !== undefined) return oidc;
  throw new ProblemError(
    'NOT_FOUND',
    'This server has no identity provider. Use a sign-in link of the administrator, or set OIDC_ISSUER.',
  );
}

async function finish(c: Context, deps: OidcDeps): Promise<Refusal | { returnTo: string }> {
  const { provider, pendingSignIns } = requireProvider(deps);
  const pending = await pendingSignIns.take(c);
  const identity = pending && (await askProvider(provider, new URL(c.req.url).search, pending));
  if (pending === undefined || identity === undefined) return refuse(c, deps, 'failed');
  if (identity === 'unavailable') return refuse(c, deps, identity);
  const secret = await deps.database.sql.begin(async (tx) => {
    const account = await accountOf(tx, identity, deps.bootstrapHash);
    if (account === undefined) return undefined;
    return openSession(tx, account.tokenId, { requestId: c.get('requestId') }, account.identityId);
  });
  if (secret === undefined) return refuse(c, deps, 'not-allowed');
  await endOldSession(c, deps);
  const { basePath } = deps;
  const cookie = { secret, prefix: prefixFor(pending.redirectUri, basePath) };
  const expires = new Date(Date.now() + PROVIDER_SESSION_HOURS * HOUR_MS);
  storeSessionCookie(c, cookie, { basePath, expires });
  return { returnTo: pending.returnTo };
}

async function askProvider(
  provider: IdentityProvider,
  query: string,
  pending: PendingSignIn,
): Promise<Identity | 'unavailable' | undefined> {
  try {
    return await provider.finish(query, pending);
  } catch (error) {
    if (error instanceof ProblemError) return 'unavailable';
    throw error;
  }
}

/** The browser shows a page instead of a problem. The log names no person. */
function refuse(c: Context, { limits, trustedProxies, logger }: OidcDeps, why: Refusal): Refusal {
  const address = clientAddress(c.env.incoming, trustedProxies);
  limits.takeBadToken(address);
  logger.warn(
    { why, address, request_id: c.get('requestId') },
    'A sign-in at the identity provider gave no session',
  );
  return why;
}
