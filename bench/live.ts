/** The costs between a commit and a client: the hop through the database, the event log, and the polls. */
import { openPostgresBus } from '../src/events/postgres-bus.ts';
import { openPostgresLog } from '../src/events/postgres-event-log.ts';
import { triggerNotifySuppressed } from '../src/events/suppress-trigger-notify.ts';
import { Hub } from '../src/live/hub.ts';
import { startServer } from '../src/server/server.ts';
import { benchEndToEnd } from './end-to-end.ts';
import { type Environment, ORGANIZATION, openEnvironment } from './environment.ts';
import type { LoadOrder } from './fan-out/load-process.ts';
import { ask, end, start } from './processes.ts';
import { productConfig, silentLogger } from './product.ts';
import { alternate, median, percentile, progress } from './rounds.ts';
import type { Row } from './table.ts';

const WRITERS = 16;
const WRITING_ROUNDS = 5;
const POLLING_ROUNDS = 3;

export async function benchLive({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const environment = await openEnvironment();
  try {
    await seed(environment);
    const hop = await benchHop(environment, isQuick ? 50 : 200);
    const commits = await benchCommits(environment, isQuick ? 200 : 1_000);
    const polls = await benchPolls(environment, isQuick ? 300 : 1_000);
    const endToEnd = await benchEndToEnd(environment, isQuick ? 20 : 100);
    return [...hop, ...endToEnd, ...commits, ...polls];
  } finally {
    await environment.close();
  }
}

async function seed({ database: { sql } }: Environment): Promise<void> {
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    select ${ORGANIZATION} + n, 'bench', 'running', now() from generate_series(0, ${WRITERS - 1}::int) as n`;
}

const step = (sql: Environment['database']['sql'], organizationId: number, notify: 'own' | 'trigger') =>
  sql`with quiet as materialized (select ${notify === 'own' ? triggerNotifySuppressed(sql) : sql`null`})
    update sync_logs set records_processed = records_processed + 1
    from quiet where organization_id = ${organizationId} and status = 'running'`;

/** A commit by one server until another one has it: nudge, listener, read of the log. */
async function benchHop({ url, database: { sql } }: Environment, ticks: number): Promise<Row[]> {
  progress(`${ticks} events through the database …`);
  const [speaker, listener] = [await openPostgresBus(url), await openPostgresBus(url)];
  const hub = new Hub(openPostgresLog(url, { throughPooler: false, max: 3 }), listener, silentLogger());
  const delays: number[] = [];
  let onNews = (): void => {};
  const [subscriber] = await hub.subscribe(
    new Map([[ORGANIZATION, { since: undefined, folded: false, authorization: { canRead: () => true } }]]),
  );
  subscriber?.attach({ markDirty: () => onNews() });
  subscriber?.take();
  for (let n = 0; n < ticks + 10; n++) {
    const news = new Promise<void>((resolve) => {
      onNews = () => (subscriber?.take()?.length ?? 0) > 0 && resolve();
    });
    await step(sql, ORGANIZATION, 'own');
    const committedAt = performance.now();
    speaker.publish({ organizations: [ORGANIZATION], work: false });
    await news;
    if (n >= 10) delays.push(performance.now() - committedAt);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  subscriber?.end();
  await hub.close();
  await Promise.all([speaker.close(), listener.close()]);
  const p99 = percentile(delays, 0.99);
  return [
    { name: 'commit → nudge → listener → log read, p50', value: median(delays), unit: 'ms' },
    { name: 'the same, p99', value: p99, unit: 'ms', ratio: p99 / 5, of: 'the 5 ms we allow', atMost: 1 },
  ];
}

/** How the writers of a round publish their commits. */
type Telling = 'nobody' | 'nudge' | 'notify' | 'no event log';

/** 16 writers of 16 organizations, one statement a commit. */
async function benchCommits({ url, database: { sql } }: Environment, forMs: number): Promise<Row[]> {
  progress(`${WRITERS} writers …`);
  const bus = await openPostgresBus(url);
  const commitsPerSecond = async (telling: Telling): Promise<number> => {
    const until = performance.now() + forMs;
    let commits = 0;
    const write = async (id: number): Promise<void> => {
      while (performance.now() < until) {
        await step(sql, id, telling === 'notify' ? 'trigger' : 'own');
        if (telling === 'nudge') bus.publish({ organizations: [id], work: false });
        commits += 1;
      }
    };
    const isUnlogged = telling === 'no event log';
    if (isUnlogged) await sql`alter table sync_logs disable trigger sync_logs_append_updated`;
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => write(ORGANIZATION + n)));
    if (isUnlogged) await sql`alter table sync_logs enable trigger sync_logs_append_updated`;
    return commits / (forMs / 1_000);
  };
  const tellings: Telling[] = ['nobody', 'nudge', 'notify', 'no event log'];
  await commitsPerSecond('nobody');
  const results = await alternate(tellings, WRITING_ROUNDS, commitsPerSecond);
  await bus.close();
  const of = (telling: Telling) => median(results.get(telling) ?? []);
  const row = (
    name: string,
    telling: Telling,
    against: Telling,
    goal: { of: string; atLeast?: number },
  ): Row => ({
    name,
    value: of(telling),
    unit: 'commits/s',
    ratio: of(telling) / of(against),
    ...goal,
  });
  return [
    row(`${WRITERS} writers, nudged after the commit`, 'nudge', 'nobody', {
      of: 'no NOTIFY at all',
      atLeast: 0.9,
    }),
    row('NOTIFY in the transaction', 'notify', 'nobody', { of: 'no NOTIFY at all' }),
    row('with the event log, no NOTIFY', 'nobody', 'no event log', { of: 'without the event log' }),
  ];
}

async function benchPolls({ url }: Environment, forMs: number): Promise<Row[]> {
  progress('polls from memory and from SQL …');
  const server = await startServer(productConfig(url), silentLogger());
  const path = `${server.url}/api/v1/cliniko/sync-logs/${ORGANIZATION}`;
  const watching = new AbortController();
  await fetch(`${path}/events`, { signal: watching.signal });
  await new Promise((resolve) => setTimeout(resolve, 200));
  // A poll with a filter is not answered from memory.
  const [memory, table] = [`${path}?limit=1`, `${path}?limit=1&status=running`];
  const results = await alternate([memory, table], POLLING_ROUNDS, (address) =>
    pollsPerSecond(address, forMs),
  );
  const fromMemory = median(results.get(memory) ?? []);
  const fromSql = median(results.get(table) ?? []);
  watching.abort();
  await server.stop();
  return [
    {
      name: 'polls from memory',
      value: fromMemory,
      unit: 'polls/s',
      ratio: fromMemory / fromSql,
      of: 'from SQL',
      atLeast: 10,
    },
  ];
}

/** By clients in their own process. */
async function pollsPerSecond(url: string, forMs: number): Promise<number> {
  const { port, pathname, search } = new URL(url);
  const load = start('fan-out/load-process');
  try {
    const order = { poll: pathname + search, port: Number(port), forMs } satisfies LoadOrder;
    await ask(load, order);
    return (await ask<{ perSecond: number }>(load, order)).perSecond;
  } finally {
    await end(load);
  }
}
