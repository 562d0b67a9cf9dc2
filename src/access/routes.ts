/** `POST /api/v1/stream-tokens`: a short-lived token for the address of a stream. */
import { Hono } from 'hono';
import { type StreamToken, StreamTokenRequest } from '#contract/access.ts';
import { optionalJsonBody } from '../http/parameters.ts';
import { canAccess, organizationForbidden, principalOf } from '../http/principal.ts';
import type { StreamTokens } from './stream-tokens.ts';

export function accessRoutes(streamTokens: StreamTokens): Hono {
  const routes = new Hono();
  routes.post('/stream-tokens', async (c) => {
    const principal = principalOf(c);
    const { organizations } = await optionalJsonBody(c, StreamTokenRequest);
    const named = organizations === '*' ? undefined : [...new Set(organizations)];
    if (named?.some((id) => !canAccess(principal, id))) throw organizationForbidden();
    const { token, expiresAt } = await streamTokens.issue(principal, named);
    const all = principal.organizations === '*' ? ('*' as const) : [...principal.organizations];
    const answer: StreamToken = {
      organizations: named ?? all,
      expires_at: new Date(expiresAt).toISOString(),
      token,
    };
    return c.json(answer, 201);
  });
  return routes;
}
