/** `/metrics`. */
import { Hono } from 'hono';
import { METRICS_CONTENT_TYPE, type Metrics } from './metrics.ts';

export function metricRoutes(metrics: Metrics): Hono {
  const routes = new Hono();
  routes.get('/metrics', async (c) =>
    c.body(await metrics.read(), 200, { 'content-type': METRICS_CONTENT_TYPE, 'cache-control': 'no-store' }),
  );
  return routes;
}
