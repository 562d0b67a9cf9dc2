/** `POST /api/v1/stream-tokens`: a short-lived token for the address of a stream. */
import { Hono } from 'hono';
import { type StreamToken, StreamTokenRequest } from '../contract/access.ts';
import { jsonBody } from '../http/parameters.ts';
import { holds, principalOf } from '../http/principal.ts';
import { notHeld } from './gate.ts';
import type { StreamTokens } from './stream-token.ts';

export function accessRoutes(streamTokens: StreamTokens): Hono {
  const routes = new Hono();
  routes.post('/stream-tokens', async (c) => {
    const principal = principalOf(c);
    const { organizations } = await jsonBody(c, StreamTokenRequest);
    const named = organizations === '*' ? undefined : [...new Set(organizations)];
    if (named?.some((id) => !holds(principal, id))) throw notHeld();
    const { token, expiresAt } = await streamTokens.issue(principal, named);
    const all = principal.organizations === '*' ? ('*' as const) : [...principal.organizations];
    const answer: StreamToken = {
      organizations: named ?? all,
      expires_at: new Date(expiresAt).toISOString(),
      token,
    };
    return c.json(answer, 201, { 'cache-control': 'no-store' });
  });
  return routes;
}
