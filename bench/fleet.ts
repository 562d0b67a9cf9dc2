/**
 * A simulated fleet: several servers, and thousands of organizations with a schedule and one ended run each. What a server costs at rest, and
 * how long a console that watches everything takes to join.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Environment, openEnvironment } from './environment.ts';
import { end } from './processes.ts';
import { progress } from './rounds.ts';
import { databaseCpuMs, type ServerProcess, startServerProcess, usageOfServer } from './server-processes.ts';
import type { Row } from './table.ts';

const SERVERS = 4;
const WHOLE = { sizes: [1_000, 5_000, 20_000], restSeconds: 15 };
const QUICK = { sizes: [1_000, 20_000], restSeconds: 5 };
const JOIN_LIMIT_MS = 120_000;

export async function benchFleet({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const { sizes, restSeconds } = isQuick ? QUICK : WHOLE;
  const environment = await openEnvironment();
  const rows: Row[] = [];
  try {
    let seeded = 0;
    for (const size of sizes) {
      progress(`${size} organizations …`);
      await seed(environment, seeded + 1, size);
      seeded = size;
      rows.push(...(await benchSize(environment, size, restSeconds)));
    }
  } finally {
    await environment.close();
  }
  return rows;
}

async function seed({ database: { sql } }: Environment, from: number, to: number): Promise<void> {
  await sql`insert into organizations (id, name, country, time_zone, validation, schedule, next_sync_at, longest_interval_s, scheduled_since)
    select id, 'Clinic ' || id, 'AU', 'Australia/Sydney', '{}', '{"cron": "0 3 * * *", "time_zone": "Australia/Sydney"}',
      now() + interval '10 hours', 86400, now()
    from generate_series(${from}::int, ${to}::int) as id`;
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    select id, 'full_patients', 'completed', now(), now(), '{"patients_found": 648}'
    from generate_series(${from}::int, ${to}::int) as id`;
  await sql`analyze`;
}

async function benchSize(environment: Environment, size: number, restSeconds: number): Promise<Row[]> {
  const servers = await Promise.all(
    Array.from({ length: SERVERS }, () => startServerProcess(environment.url)),
  );
  const sockets: WebSocket[] = [];
  try {
    const idle = await coreShare(environment, servers, restSeconds);
    const begin = performance.now();
    const joins = await Promise.all(servers.map(({ url }) => joinEverything(url, size, sockets)));
    const allMs = performance.now() - begin;
    const watched = await coreShare(environment, servers, restSeconds);
    const [first] = servers;
    const rssBytes = first === undefined ? 0 : (await usageOfServer(first)).rssBytes;
    const worst = (read: (join: Join) => number) => Math.max(...joins.map(read));
    const of = `${size} organizations, ${SERVERS} servers`;
    return [
      { name: `${of}: processor of one at rest`, value: idle.server * 100, unit: '% of a core' },
      { name: 'the same: PostgreSQL, for all servers', value: idle.database * 100, unit: '% of a core' },
      {
        name: 'the same, with a console that watches everything at each',
        value: watched.server * 100,
        unit: '% of a core',
        ratio: watched.server / 0.05,
        of: 'the 5 % we allow',
        atMost: 1,
      },
      { name: 'the same: PostgreSQL, for all servers', value: watched.database * 100, unit: '% of a core' },
      {
        name: `${SERVERS} consoles at once: first rows, the slowest`,
        value: worst(({ firstMs }) => firstMs),
        unit: 'ms',
        ratio: worst(({ firstMs }) => firstMs) / 1_000,
        of: 'the second we allow',
        atMost: 1,
      },
      { name: 'the same: complete, the slowest', value: allMs, unit: 'ms' },
      { name: 'the largest frame', value: worst(({ largestFrame }) => largestFrame) / 1_024, unit: 'KB' },
      { name: 'memory of one server', value: rssBytes / 1_024 / 1_024, unit: 'MB' },
    ];
  } finally {
    for (const socket of sockets) socket.terminate();
    await Promise.all(servers.map(({ child }) => end(child)));
  }
}

/** The share of one core that the busiest server uses, and that of PostgreSQL. */
async function coreShare(environment: Environment, servers: readonly ServerProcess[], seconds: number) {
  const readServers = () => Promise.all(servers.map(usageOfServer));
  // What the start or a join left behind.
  await delay(2_000);
  const [before, databaseBefore, begin] = [
    await readServers(),
    await databaseCpuMs(environment),
    performance.now(),
  ];
  await delay(seconds * 1_000);
  const [after, databaseMs] = [await readServers(), (await databaseCpuMs(environment)) - databaseBefore];
  const elapsed = performance.now() - begin;
  const shares = after.map(({ cpuMs }, index) => (cpuMs - (before[index]?.cpuMs ?? 0)) / elapsed);
  return { server: Math.max(...shares), database: databaseMs / elapsed };
}

interface Join {
  firstMs: number;
  largestFrame: number;
}

/** Resolves when a snapshot of every organization has arrived. */
function joinEverything(url: string, size: number, sockets: WebSocket[]): Promise<Join> {
  const begin = performance.now();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/cliniko/ws?organizations=*`);
  sockets.push(socket);
  const seen = new Set<number>();
  const join: Join = { firstMs: Number.POSITIVE_INFINITY, largestFrame: 0 };
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${seen.size} of ${size} joined.`)), JOIN_LIMIT_MS);
    socket.on('error', reject);
    socket.on('message', (data) => {
      const text = String(data);
      join.largestFrame = Math.max(join.largestFrame, text.length);
      const id = /"type":"snapshot","organization_id":(\d+)/.exec(text)?.[1];
      if (id === undefined) return;
      seen.add(Number(id));
      join.firstMs = Math.min(join.firstMs, performance.now() - begin);
      if (seen.size < size) return;
      clearTimeout(limit);
      resolve(join);
    });
  });
}
