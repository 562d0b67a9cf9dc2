/**
 * Who asks, and what he may do. Decided once at the door (access/authorize.ts); routes only read it here.
 *
 * Not here: how somebody proves who he is (access/), what one may see of a stream while it is open (live/stream-authorization.ts).
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
  /** As people call the account; undefined: it has no name of its own. */
  name?: string;
  scope: Scope;
  organizations: GrantedOrganizations;
  /** Milliseconds since 1970; undefined: never. */
  expiresAt: number | undefined;
  /** Of the stored token behind it, whose revocation ends it; undefined: an identity provider vouches. */
  tokenId: number | undefined;
}

/** `*`: every organization, also those that are still to come. */
export type GrantedOrganizations = '*' | ReadonlySet<number>;

/** With AUTH=none everybody on this machine may do everything. */
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
    /** Of hono/request-id: `X-Request-Id`, sent along or made. */
    requestId: string;
  }
}

export function principalOf(c: Context): Principal {
  const principal = c.get('principal');
  if (principal === undefined) throw new Error('A route asked who is there before the gate let anybody in.');
  return principal;
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

/** What an audit entry says of a request. */
export function auditOrigin(c: Context): { actor: string; requestId: string } {
  return { actor: principalOf(c).actor, requestId: c.get('requestId') };
}

/** Says nothing about the organization: whether it exists is not for strangers. */
export function organizationForbidden(): ProblemError {
  return new ProblemError(
    'FORBIDDEN',
    'This token does not hold what was asked for. Ask for a token that holds this organization.',
  );
}
