/** `/healthz`: the process answers. `/readyz`: it can do its work. */
import { Hono } from 'hono';
import type { Readiness } from '#contract/health.ts';
import { withinMs } from '../database/answer-limit.ts';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/event-bus.ts';
import { shareRead } from '../live/shared-reads.ts';

/** Below the time that load balancers and orchestrators wait. */
const ANSWER_LIMIT_MS = 2_000;

/** Checks the readiness of this server at the moment of the call. */
export type ReadinessCheck = () => Promise<Readiness>;

export function healthRoutes(checkReadiness: ReadinessCheck): Hono {
  const routes = new Hono();
  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/readyz', async (c) => {
    const readiness = await checkReadiness();
    return c.json(readiness, readiness.status === 'ready' ? 200 : 503);
  });
  return routes;
}

export function createReadinessCheck(
  database: Database,
  bus: EventBus,
  isDraining: () => boolean,
  rowSecurity: Readiness['checks']['row_security'],
  otherRoles: () => Promise<readonly string[]>,
): ReadinessCheck {
  // The request needs no token, so however many arrive, one at a time reads the database.
  return shareRead(async () => {
    const isThere = await answers(database);
    const checks = {
      database: isThere,
      // The server listens only after its migrations are through.
      migrations: true,
      listener: bus.healthy,
      nats: bus.nats,
      draining: isDraining(),
      row_security: rowSecurity,
      other_roles: isThere ? [...(await otherRoles())] : [],
    };
    // Without a listener streams live on the backstop poll: slower, and still right.
    const ready = checks.database && !checks.draining;
    return { status: ready ? 'ready' : 'not ready', checks };
  });
}

async function answers({ sql }: Database): Promise<boolean> {
  try {
    await withinMs(ANSWER_LIMIT_MS, sql`select 1`);
    return true;
  } catch {
    return false;
  }
}
