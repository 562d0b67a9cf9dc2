/** What stands between a commit and a client: the hop through the database, the price of the event log, and the polls. */
import { readConfig } from '../src/config.ts';
import { openPostgresBus } from '../src/events/postgres-bus.ts';
import { openPostgresLog } from '../src/events/postgres-log.ts';
import { createFeed } from '../src/live/feed.ts';
import { createLogger } from '../src/logging/logger.ts';
import { startServer } from '../src/server.ts';
import { ask, start } from './fan-out.ts';
import type { Row } from './run.ts';
import { ORGANIZATION, openStage, type Stage } from './stage.ts';

const WRITERS = 16;

const quiet = () => createLogger({ level: 'fatal', format: 'json', colour: false }, process.stderr);

export async function benchLive({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const stage = await openStage();
  try {
    await seed(stage);
    const hop = await benchHop(stage, isQuick ? 50 : 200);
    const commits = await benchCommits(stage, isQuick ? 1_000 : 3_000);
    const polls = await benchPolls(stage, isQuick ? 1_000 : 3_000);
    return [...hop, ...commits, ...polls];
  } finally {
    await stage.close();
  }
}

async function seed({ database: { sql } }: Stage): Promise<void> {
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    select ${ORGANIZATION} + n, 'bench', 'running', now() from generate_series(0, ${WRITERS - 1}::int) as n`;
}

const step = (sql: Stage['database']['sql'], organizationId: number, notify: 'own' | 'trigger') =>
  sql`with quiet as materialized (select set_config('patient_sync.nudges', ${notify === 'own' ? 'own' : ''}, true))
    update sync_logs set records_processed = records_processed + 1
    from quiet where organization_id = ${organizationId} and status = 'running'`;

/** The commit by one server, the news at another: nudge, listener, read of the log. */
async function benchHop({ url, database: { sql } }: Stage, ticks: number): Promise<Row[]> {
  const [speaker, listener] = [await openPostgresBus(url), await openPostgresBus(url)];
  const feed = createFeed(openPostgresLog(url, { throughPooler: false }), listener, quiet());
  const delays: number[] = [];
  let onNews = (): void => {};
  const [watch] = await feed.watch(new Map([[ORGANIZATION, { since: undefined, folded: false }]]), () =>
    onNews(),
  );
  watch?.take();
  for (let n = 0; n < ticks + 10; n++) {
    const news = new Promise<void>((resolve) => {
      onNews = () => (watch?.take()?.length ?? 0) > 0 && resolve();
    });
    await step(sql, ORGANIZATION, 'own');
    const committedAt = performance.now();
    speaker.publish({ organizations: [ORGANIZATION], work: false });
    await news;
    if (n >= 10) delays.push(performance.now() - committedAt);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  watch?.end();
  await feed.close();
  await Promise.all([speaker.close(), listener.close()]);
  delays.sort((one, other) => one - other);
  const p99 = delays[Math.floor(delays.length * 0.99)] ?? 0;
  return [
    { name: 'commit → nudge → listener → log read, p50', value: delays[ticks >> 1] ?? 0, unit: 'ms' },
    { name: 'the same, p99', value: p99, unit: 'ms', ratio: p99 / 5, of: 'the 5 ms we allow', atMost: 1 },
  ];
}

/** 16 writers of 16 organizations, one statement a commit. */
async function benchCommits({ url, database: { sql } }: Stage, forMs: number): Promise<Row[]> {
  const run = async (notify: 'own' | 'trigger', publish: (id: number) => void): Promise<number> => {
    const until = performance.now() + forMs;
    let commits = 0;
    const write = async (id: number): Promise<void> => {
      while (performance.now() < until) {
        await step(sql, id, notify);
        publish(id);
        commits += 1;
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => write(ORGANIZATION + n)));
    return commits / (forMs / 1_000);
  };
  const bus = await openPostgresBus(url);
  const nudge = (id: number) => bus.publish({ organizations: [id], work: false });
  await run('own', () => {});
  const without = Math.max(await run('own', () => {}), await run('own', () => {}));
  const nudged = Math.max(await run('own', nudge), await run('own', nudge));
  const within = await run('trigger', () => {});
  await sql`alter table sync_logs disable trigger sync_logs_append_event`;
  const bare = await run('own', () => {});
  await sql`alter table sync_logs enable trigger sync_logs_append_event`;
  await bus.close();
  const row = (name: string, value: number, of: string, against: number, atLeast?: number): Row => ({
    name,
    value,
    unit: 'commits/s',
    ratio: value / against,
    of,
    ...(atLeast !== undefined && { atLeast }),
  });
  return [
    row(`${WRITERS} writers, nudged after the commit`, nudged, 'no NOTIFY at all', without, 0.9),
    row('NOTIFY in the transaction', within, 'no NOTIFY at all', without),
    row('with the event log, no NOTIFY', without, 'without the event log', bare),
  ];
}

async function benchPolls({ url }: Stage, forMs: number): Promise<Row[]> {
  const environment = {
    PORT: '0',
    DATABASE_URL: url,
    CREDENTIALS_KEY: Buffer.alloc(32, 1).toString('base64'),
  };
  const server = await startServer(readConfig(environment, [], false), quiet());
  const path = `${server.url}/api/v1/cliniko/sync-logs/${ORGANIZATION}`;
  const watching = new AbortController();
  await fetch(`${path}/events`, { signal: watching.signal });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const fromMemory = await pollsPerSecond(`${path}?limit=1`, forMs);
  const fromSql = await pollsPerSecond(`${path}?limit=1&status=running`, forMs);
  watching.abort();
  await server.stop();
  return [
    {
      name: 'polls from memory',
      value: fromMemory,
      unit: 'polls/s',
      ratio: fromMemory / fromSql,
      of: 'from SQL',
      atLeast: 5,
    },
  ];
}

/** By clients in a process of their own. */
async function pollsPerSecond(url: string, forMs: number): Promise<number> {
  const { port, pathname, search } = new URL(url);
  const load = start('fan-out-load.ts');
  try {
    const order = { poll: pathname + search, port: Number(port), forMs };
    await ask(load, { ...order, forMs: 500 });
    return (await ask<{ perSecond: number }>(load, order)).perSecond;
  } finally {
    load.disconnect();
  }
}
