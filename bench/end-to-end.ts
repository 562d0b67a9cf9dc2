/**
 * The latency from a commit to its readers, with every part in production form: PostgreSQL, the trigger, the nudge of
 * another server, the listener, the read of the log, the hub, sockets, and clients in their own process.
 */
import { openPostgresBus } from '../src/events/postgres-bus.ts';
import { triggerNotifySuppressed } from '../src/events/suppress-trigger-notify.ts';
import type { Environment } from './environment.ts';
import { now } from './fan-out/events.ts';
import type { Delays, LoadOrder } from './fan-out/load-process.ts';
import { answerOf, ask, end, start } from './processes.ts';
import { progress } from './rounds.ts';
import type { Row } from './table.ts';

/** An organization that no other benchmark writes to. */
const ORGANIZATION = 900;
const CROWDS = [100, 1_000];
const WARM_UP_TICKS = 10;
const TICK_MS = 100;

/** At 10 commits a second. */
export async function benchEndToEnd(environment: Environment, ticks: number): Promise<Row[]> {
  await environment.database.sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (${ORGANIZATION}, 'bench', 'running', now() at time zone 'utc')`;
  const server = start('product-process', environment.url);
  const rows: Row[] = [];
  try {
    const { url } = await answerOf<{ url: string }>(server);
    for (const clients of CROWDS) {
      progress(`${ticks} commits, ${clients} clients …`);
      const { p50, p99 } = await measure(environment, Number(new URL(url).port), clients, ticks);
      rows.push(
        { name: `UPDATE → ${clients} SSE clients, p50`, value: p50, unit: 'ms' },
        { name: `UPDATE → ${clients} SSE clients, p99`, value: p99, unit: 'ms' },
      );
    }
    return rows;
  } finally {
    await end(server);
  }
}

async function measure(
  environment: Environment,
  port: number,
  clients: number,
  ticks: number,
): Promise<Delays> {
  const load = start('fan-out/load-process');
  const tell = <T>(order: LoadOrder) => ask<T>(load, order);
  const speaker = await openPostgresBus(environment.url);
  const commitFor = async (count: number): Promise<void> => {
    const beganAt = now();
    for (let n = 1; n <= count; n++) {
      await new Promise((resolve) => setTimeout(resolve, beganAt + n * TICK_MS - now()));
      await commit(environment);
      speaker.publish({ organizations: [ORGANIZATION], work: false });
    }
    await tell({ awaitEvents: clients * count });
  };
  try {
    const path = `/api/v1/cliniko/sync-logs/${ORGANIZATION}/events`;
    await tell({ open: clients, port, path, dialect: 'sse' });
    await tell({ count: 'events' });
    await commitFor(WARM_UP_TICKS);
    await tell({ count: 'delays' });
    await commitFor(ticks);
    return await tell<Delays>({ delays: true });
  } finally {
    await speaker.close();
    await end(load);
  }
}

/** Like a sync that commits its progress. `t` is the time when the statement is sent, so the commit itself counts. */
function commit({ database: { sql } }: Environment): Promise<unknown> {
  return sql`with quiet as materialized (select ${triggerNotifySuppressed(sql)})
    update sync_logs set records_processed = records_processed + 1,
      metadata = jsonb_build_object('t', ${now()}::float8)
    from quiet where organization_id = ${ORGANIZATION} and status = 'running'`;
}
