/**
 * Authorizes every request before its route runs: authenticates it, checks its scope and organization, and applies rate limits.
 *
 * The middleware covers every route and reads what each needs from route-policy.ts, so a new route is protected by default.
 * A request for an organization that its token does not hold gets the same response whether the organization exists or not.
 */
import type { BlockList } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler, Next } from 'hono';
import type { Database } from '../database/open.ts';
import { clientAddress } from '../http/client-address.ts';
import type { NodeContext } from '../http/node-context.ts';
import { readId } from '../http/parameters.ts';
import {
  canAccess,
  hasScope,
  insufficientScope,
  needsAllOrganizations,
  organizationForbidden,
  type Principal,
  UNRESTRICTED,
} from '../http/principal.ts';
import { ProblemError, problemKind } from '../http/problem.ts';
import { offersWebSocket } from '../http/upgrades.ts';
import type { Authenticator } from './authenticate.ts';
import { renewSession } from './browser-sessions.ts';
import type { RateLimits } from './rate-limits.ts';
import { isRefusal, type Refusals } from './refusals.ts';
import { type Requirement, requirementOf } from './route-policy.ts';
import { requireOwnPage, type SessionCookie, sessionCookieOf, storeSessionCookie } from './session-cookie.ts';
import { type Origin, SocketFrames } from './socket-frames.ts';
import type { StreamSessions } from './stream-sessions.ts';

export interface AuthorizeDeps {
  /** Undefined: AUTH=none. */
  authenticator: Authenticator | undefined;
  limits: RateLimits;
  sessions: StreamSessions;
  refusals: Refusals;
  trustedProxies: BlockList;
  database: Database;
  /** '' at the root. */
  basePath: string;
}

export function authorize(deps: AuthorizeDeps): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const needed = requirementOf(c);
    c.set('requirement', needed);
    if (needed.isPublic) return next();
    if (needed.isStream) return answerStream(c, needed, deps, next);
    await authorizeRequest(c, needed, deps);
    return next();
  };
}

/** @throws ProblemError UNAUTHENTICATED, INVALID_PARAMETER, TOO_MANY_REQUESTS, FORBIDDEN, in this order */
async function authorizeRequest(
  c: NodeContext,
  needed: Requirement,
  deps: AuthorizeDeps,
): Promise<Principal> {
  const principal = await authenticate(c, needed, deps);
  // Set before the checks, so that the log of a refusal names the principal.
  c.set('principal', principal);
  const organizationId = organizationOf(c, needed);
  const held = isGranted(principal, needed, organizationId);
  // A refused request counts too, but never against an organization that its token does not hold.
  deps.limits.takeRequest(principal, held ? organizationId : undefined);
  if (!held) throw organizationId === undefined ? needsAllOrganizations() : organizationForbidden();
  if (!hasScope(principal.scope, needed.scope) && !mayScrape(principal, needed))
    throw insufficientScope(principal.scope, needed.scope);
  c.set('organizationId', organizationId);
  return principal;
}

function isGranted(principal: Principal, needed: Requirement, organizationId: number | undefined): boolean {
  if (organizationId !== undefined) return canAccess(principal, organizationId);
  return !needed.needsAllOrganizations || principal.organizations === '*' || mayScrape(principal, needed);
}

/** Tokens with the scope `metrics` may read /metrics. */
function mayScrape(principal: Principal, needed: Requirement): boolean {
  return needed.route === 'GET /metrics' && principal.scope === 'metrics';
}

/** Runs the route of a stream, which has one of the slots for streams while it answers and while its stream is open. */
async function answerStream(
  c: NodeContext,
  needed: Requirement,
  deps: AuthorizeDeps,
  next: Next,
): Promise<void> {
  const authorization = isHandshake(c)
    ? await authorizeSocket(c, needed, deps)
    : await authorizeStream(c, needed, deps);
  if (authorization !== undefined) c.set('authorization', authorization);
  const { incoming, outgoing } = c.env;
  const release = () => authorization?.endUnlessWatched();
  // The response emits it also when a WebSocket is accepted.
  const onClose = () => {
    if (incoming.socket.destroyed) release();
  };
  // A client may disconnect while the database does not answer.
  outgoing.on('close', onClose);
  onClose();
  try {
    await next();
  } finally {
    outgoing.off('close', onClose);
    release();
  }
}

type Authorization = ReturnType<StreamSessions['authorizationFor']>;

async function authorizeStream(
  c: NodeContext,
  needed: Requirement,
  deps: AuthorizeDeps,
): Promise<Authorization> {
  const principal = await authorizeRequest(c, needed, deps);
  const slot = deps.limits.takeStream(principal, organizationOf(c, needed) ?? onlyOrganizationOf(principal));
  const frames = isHandshake(c) ? new SocketFrames(deps, principal, originOf(c, deps)) : undefined;
  return deps.sessions.authorizationFor({ principal, slot, frames });
}

/** A browser does not show a page why a handshake failed, so the socket is opened and then closed with the reason. */
async function authorizeSocket(
  c: NodeContext,
  needed: Requirement,
  deps: AuthorizeDeps,
): Promise<Authorization | undefined> {
  try {
    return await authorizeStream(c, needed, deps);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    await recordRefusal(c, error, deps);
    c.set('socketRefusal', CLOSE_CODES[problemKind(error.code).status] ?? TRY_AGAIN_LATER);
    return undefined;
  }
}

const TRY_AGAIN_LATER = 1013;
/** By the status of the problem. */
const CLOSE_CODES: Record<number, number> = { 401: 4401, 403: 4403, 429: 4429 };

/** What the log and the audit entry say of a refusal: never the token, and only the route pattern of the URL. */
export async function recordRefusal(
  c: NodeContext,
  error: ProblemError,
  deps: Pick<AuthorizeDeps, 'refusals' | 'trustedProxies'>,
): Promise<void> {
  const { code } = error;
  const { status } = problemKind(code);
  if (isRefusal(status)) await deps.refusals.record({ ...originOf(c, deps), status, code });
}

function originOf(c: NodeContext, { trustedProxies }: Pick<AuthorizeDeps, 'trustedProxies'>): Origin {
  const needed = c.get('requirement') ?? requirementOf(c);
  return {
    route: needed.route,
    actor: c.get('principal')?.actor,
    organizationId: organizationNamed(c, needed),
    address: clientAddress(c.env.incoming, trustedProxies),
    requestId: c.get('requestId'),
  };
}

function organizationNamed(c: Context, needed: Requirement): number | undefined {
  try {
    return organizationOf(c, needed);
  } catch {
    return undefined;
  }
}

async function authenticate(c: NodeContext, needed: Requirement, deps: AuthorizeDeps): Promise<Principal> {
  const { authenticator } = deps;
  // Only invalid tokens count against an address: behind a proxy missing from TRUSTED_PROXIES all clients share one address.
  const refuse = (problem = invalidToken()): never => {
    deps.limits.takeBadToken(clientAddress(c.env.incoming, deps.trustedProxies));
    throw problem;
  };
  if (authenticator === undefined) return UNRESTRICTED;
  const header = c.req.header('authorization');
  if (header !== undefined) {
    const token = /^Bearer +([^\s]{1,8192})$/i.exec(header)?.[1];
    const principal = token === undefined ? undefined : await authenticator.bearer(token);
    return principal ?? refuse();
  }
  // A URL may only carry short-lived stream tokens, because URLs are logged in many places.
  const streamToken = needed.isStream ? c.req.query('token') : undefined;
  if (streamToken !== undefined) return (await authenticator.streamToken(streamToken)) ?? refuse();
  const cookie = sessionCookieOf(c, deps.basePath);
  if (cookie === undefined) throw missingToken(needed.isStream);
  requireOwnPage(c);
  const session = await authenticator.session(cookie.secret);
  if (session === undefined) return refuse(endedSession());
  if (session.isDue && !needed.isStream) await renew(c, cookie, session.principal, deps);
  return session.principal;
}

async function renew(
  c: NodeContext,
  cookie: SessionCookie,
  { sessionId }: Principal,
  { database, authenticator, basePath }: AuthorizeDeps,
): Promise<void> {
  if (sessionId === undefined) return;
  const expires = await renewSession(database, sessionId);
  authenticator?.forgetSessions([sessionId]);
  if (expires !== undefined) storeSessionCookie(c, cookie, { basePath, expires });
}

/** Parsed exactly as the route parses it, from the same path segment. */
function organizationOf(c: Context, { organizationSegment }: Requirement): number | undefined {
  if (organizationSegment === undefined) return undefined;
  const segment = c.req.path.split('/')[organizationSegment] ?? '';
  return readId(decode(segment), 'orgId');
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A WebSocket names its organizations later. Only a token for a single organization identifies it now. */
function onlyOrganizationOf({ organizations }: Principal): number | undefined {
  if (organizations === '*' || organizations.size !== 1) return undefined;
  const [only] = organizations;
  return only;
}

function isHandshake(c: NodeContext): boolean {
  return offersWebSocket(c.env.incoming);
}

function missingToken(stream: boolean): ProblemError {
  const how = stream
    ? 'send Authorization: Bearer …, or open it with ?token= from POST /api/v1/stream-tokens'
    : 'send Authorization: Bearer …';
  return new ProblemError('UNAUTHENTICATED', `This needs a token: ${how}.`, {
    headers: { 'www-authenticate': 'Bearer realm="patient-sync"' },
  });
}

function invalidToken(): ProblemError {
  return new ProblemError(
    'UNAUTHENTICATED',
    'The token is not accepted: it is unknown, expired or revoked. Use another token.',
    { headers: { 'www-authenticate': 'Bearer realm="patient-sync", error="invalid_token"' } },
  );
}

function endedSession(): ProblemError {
  return new ProblemError(
    'UNAUTHENTICATED',
    'Your session has ended. Sign in again: ask the administrator for a sign-in link.',
    { headers: { 'www-authenticate': 'Bearer realm="patient-sync"' } },
  );
}
