/** Sign-in and sign-out of people in browsers, and what the pages show of the account. */
import { type Context, Hono } from 'hono';
import { type AccountInfo, SignIn, type SignInOptions, SignOut } from '#contract/access.ts';
import { clientAddress } from '../http/client-address.ts';
import type { NodeRoutes } from '../http/node-context.ts';
import { jsonBody } from '../http/parameters.ts';
import { type Principal, principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { hashOf } from './api-tokens.ts';
import type { AuthorizeDeps } from './authorize.ts';
import { endSessions, IDLE_DAYS, openSession, type SessionRequest } from './browser-sessions.ts';
import type { IdentityProvider } from './oidc-provider.ts';
import type { PendingSignIns } from './pending-sign-in.ts';
import {
  prefixFor,
  removeSessionCookie,
  requireOwnPage,
  sessionCookieOf,
  storeSessionCookie,
} from './session-cookie.ts';
import { findOpenLinks, useSignInLink } from './sign-in-links.ts';
import { createTokenLookup } from './token-lookup.ts';

/** Sign-in at an identity provider (oidc-routes.ts). */
export interface OidcSignIn {
  provider: IdentityProvider;
  pendingSignIns: PendingSignIns;
}

export interface SessionDeps extends Omit<AuthorizeDeps, 'refusals'> {
  /** Undefined: `OIDC_ISSUER` is not set. */
  oidc: OidcSignIn | undefined;
  /** Hash of `BOOTSTRAP_ADMIN_TOKEN`. */
  bootstrapHash: string | undefined;
}

const DAY_MS = 86_400_000;

export function sessionRoutes(deps: SessionDeps): NodeRoutes {
  const routes: NodeRoutes = new Hono();
  // Any client can send a code: an invalid one must not cost a transaction.
  const findLink = createTokenLookup((hashes) => findOpenLinks(deps.database, hashes));
  routes.get('/sign-in', (c) => {
    const options: SignInOptions = {
      needs_sign_in: deps.authenticator !== undefined,
      identity_provider: (deps.authenticator && deps.oidc?.provider.name) ?? null,
    };
    return c.json(options);
  });
  routes.post('/sign-in', async (c) => {
    requireAccounts(deps);
    requireOwnPage(c);
    const { code } = await jsonBody(c, SignIn);
    const isOpen = (await findLink(hashOf(code))) !== undefined;
    const secret = isOpen
      ? await openLinkedSession(deps, code, { requestId: c.get('requestId') })
      : undefined;
    if (secret === undefined) {
      deps.limits.takeBadToken(clientAddress(c.env.incoming, deps.trustedProxies));
      throw new ProblemError(
        'SIGN_IN_LINK_INVALID',
        'This link was used already, or it has expired. Ask the administrator for a new one.',
      );
    }
    // Only now: a used link must not sign out its person.
    await endOldSession(c, deps);
    const cookie = { secret, prefix: prefixFor(c.req.header('origin') ?? '', deps.basePath) };
    const expires = new Date(Date.now() + IDLE_DAYS * DAY_MS);
    storeSessionCookie(c, cookie, { basePath: deps.basePath, expires });
    return c.body(null, 204);
  });
  routes.post('/sign-out', async (c) => {
    const { everywhere } = await jsonBody(c, SignOut);
    await endSessionsOf(principalOf(c), everywhere, c, deps);
    const cookie = sessionCookieOf(c, deps.basePath);
    if (cookie !== undefined) removeSessionCookie(c, cookie, deps.basePath);
    return c.body(null, 204);
  });
  routes.get('/account', (c) => c.json(accountInfo(principalOf(c))));
  return routes;
}

/** @returns the secret of the session; undefined when another request has used the link, or its token is no longer valid */
async function openLinkedSession(
  { database, bootstrapHash }: SessionDeps,
  code: string,
  request: SessionRequest,
): Promise<string | undefined> {
  return await database.sql.begin(async (tx) => {
    const tokenId = await useSignInLink(tx, code, bootstrapHash);
    return tokenId === undefined ? undefined : openSession(tx, tokenId, request);
  });
}

function requireAccounts({ authenticator }: SessionDeps): void {
  if (authenticator !== undefined) return;
  throw new ProblemError(
    'NOT_FOUND',
    'This server has no accounts (AUTH=none), so its pages need no sign-in. Open the dashboard.',
  );
}

/** A browser has one session at a time: the one before could no longer be ended by its person. */
export async function endOldSession(c: Context, deps: SessionDeps): Promise<void> {
  const cookie = sessionCookieOf(c, deps.basePath);
  const old = cookie && (await deps.authenticator?.session(cookie.secret));
  if (old !== undefined) await endSessionsOf(old.principal, false, c, deps);
}

async function endSessionsOf(
  { tokenId, sessionId }: Principal,
  everywhere: boolean,
  c: Context,
  { database, authenticator, sessions }: SessionDeps,
): Promise<void> {
  if (tokenId === undefined || (sessionId === undefined && !everywhere)) return;
  const which = { tokenId, sessionId: everywhere ? undefined : sessionId };
  const ended = await endSessions(database, which, { requestId: c.get('requestId') });
  authenticator?.forgetSessions(ended);
  sessions.endOf(ended);
}

function accountInfo({ actor, name, scope, organizations, expiresAt, sessionId }: Principal): AccountInfo {
  return {
    kind: actor === 'anyone' ? 'none' : sessionId === undefined ? 'token' : 'session',
    name: name ?? null,
    scope,
    organizations: organizations === '*' ? '*' : [...organizations],
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
}
