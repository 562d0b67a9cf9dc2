/** For the old routes whose organization is in a header or inside a sync id, where access/ does not look. */
import type { Context } from 'hono';
import { canAccess, organizationForbidden, principalOf } from '../http/principal.ts';

/** @throws ProblemError FORBIDDEN, whether the organization exists or not */
export function requireAccess(c: Context, organizationId: number): void {
  if (!canAccess(principalOf(c), organizationId)) throw organizationForbidden();
}
