/** `/health`, which hosting platforms probe: `/readyz` in the words of the old service. */
import type { Hono } from 'hono';
import type { LegacyDeps } from './deps.ts';

export function addHealthRoute(routes: Hono, { isReady, version }: LegacyDeps): void {
  routes.get('/health', async (c) => {
    const ready = await isReady();
    const answer = {
      status: ready ? 'healthy' : 'unhealthy',
      timestamp: new Date().toISOString(),
      version,
    };
    return c.json(answer, ready ? 200 : 503, { 'cache-control': 'no-store' });
  });
}
