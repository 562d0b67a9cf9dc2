/**
 * The principal of a request and its rights. Set once per request (access/authorize.ts); routes only read it here.
 *
 * Not here: how a principal is authenticated (access/), what it may read of an open stream (live/stream-authorization.ts).
 */

import type { Context } from 'hono';
import { ProblemError } from './problem.ts';

/** Each includes the ones before it. */
const RANKED = ['read', 'sync', 'admin'] as const;
/** `metrics` opens /metrics and nothing else, and holds no organization. */
export const SCOPES = [...RANKED, 'metrics'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Principal {
  /** For the audit log: `anyone` (AUTH=none), `token:7`, `jwt:<sub>`. */
  actor: string;
  /** The name of the account; undefined: it has none. */
  name?: string;
  scope: Scope;
  organizations: GrantedOrganizations;
  /** Milliseconds since 1970; undefined: never. */
  expiresAt: number | undefined;
  /** The id of the stored token, whose revocation ends the access; undefined: a JWT of an identity provider. */
  tokenId: number | undefined;
  /** The session of a person who signed in on a device; its end ends the access. */
  sessionId?: number;
}

/** `*`: every organization, including future ones. */
export type GrantedOrganizations = '*' | ReadonlySet<number>;

/** With AUTH=none every client on this machine has all rights. */
export const UNRESTRICTED: Principal = {
  actor: 'anyone',
  scope: 'admin',
  organizations: '*',
  expiresAt: undefined,
  tokenId: undefined,
};

declare module 'hono' {
  interface ContextVariableMap {
    principal: Principal;
    /** Set by hono/request-id: `X-Request-Id` of the client, or generated. */
    requestId: string;
    /** The run that a request started or cancelled, where neither its path nor its response names it (legacy/). */
    auditedRun: AuditedRun | undefined;
  }
}

interface AuditedRun {
  organizationId: number;
  syncLogId: number;
  /** Of a start. */
  outcome?: 'started' | 'already running';
}

export function principalOf(c: Context): Principal {
  const principal = c.get('principal');
  if (principal === undefined)
    throw new Error('A route read the principal before the request was authorized.');
  return principal;
}

/** For pages and lists; null: the server has no accounts. */
export function accountName({ actor, name = actor }: Principal): string | null {
  return actor === UNRESTRICTED.actor ? null : name.replace(/^jwt:/, '');
}

export function canAccess(
  { organizations }: Pick<Principal, 'organizations'>,
  organizationId: number,
): boolean {
  return organizations === '*' || organizations.has(organizationId);
}

export function hasScope(scope: Scope, needed: Scope): boolean {
  if (scope === 'metrics' || needed === 'metrics') return scope === needed;
  return RANKED.indexOf(scope) >= RANKED.indexOf(needed);
}

/** What an audit entry records about a request. */
export function auditOrigin(c: Context): { actor: string; requestId: string } {
  return { actor: principalOf(c).actor, requestId: c.get('requestId') };
}

/** Does not reveal whether the organization exists. */
export function organizationForbidden(): ProblemError {
  return new ProblemError(
    'FORBIDDEN',
    'The token has no access to this organization. Use a token that includes it.',
  );
}

/** For a route that is about no single organization. */
export function needsAllOrganizations(): ProblemError {
  return new ProblemError('FORBIDDEN', 'This needs a token for all organizations; this one is for some.');
}

export function insufficientScope(scope: Scope, needed: Scope): ProblemError {
  return new ProblemError(
    'FORBIDDEN',
    `This needs a token with the scope "${needed}"; this one has "${scope}".`,
  );
}
