/**
 * A fleet at work: servers as processes, organizations whose Cliniko needs its time for each answer, and clients that watch. Each of
 * the three numbers grows while the other two stay, so the table and the plot show what each costs and how the cost grows.
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createSealer } from '../src/encryption/sealer.ts';
import { saveApiKey, saveOrganization } from '../src/organizations/organizations.ts';
import { apiKeys, type Environment, openEnvironment, startCliniko } from './environment.ts';
import type { LoadOrder } from './fan-out/load-process.ts';
import {
  type Cost,
  chartsOf,
  clientRows,
  type Dimension,
  organizationRows,
  type Series,
  type Size,
  serverRows,
} from './fleet-costs.ts';
import { plot } from './plot.ts';
import { ask, end, start } from './processes.ts';
import { CREDENTIALS_KEY } from './product.ts';
import { progress } from './rounds.ts';
import { databaseCpuMs, type ServerProcess, startServerProcess, usageOfServer } from './server-processes.ts';
import type { Row } from './table.ts';

const PATIENTS = 250;
const LATENCY_MS = 300;
const LIMIT_MS = 120_000;
const REST_MS = 2_000;
/** Runs for each server before the measurement. */
const WARM_UP = 3;
/** The clients of a server are spread over so many organizations. */
const WATCHED = 5;

/** The first value of each is that of the other two series. */
const WHOLE: Record<Dimension, number[]> = {
  organizations: [40, 20, 80],
  servers: [2, 1, 4],
  clients: [0, 400, 1_600],
};
const QUICK: typeof WHOLE = { organizations: [16, 8, 32], servers: [2, 1, 4], clients: [0, 200, 600] };

export async function benchFleetAtWork({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const values = isQuick ? QUICK : WHOLE;
  const fleet = await openFleet(values);
  try {
    const base = baseOf(values);
    const atBase = { size: base, cost: await fleet.measure(base) };
    const seriesOf = async (dimension: Dimension): Promise<Series> => {
      const series = [atBase];
      for (const value of values[dimension].slice(1)) {
        const size = { ...base, [dimension]: value };
        series.push({ size, cost: await fleet.measure(size) });
      }
      return series.sort((one, other) => one.size[dimension] - other.size[dimension]);
    };
    const all = {
      organizations: await seriesOf('organizations'),
      servers: await seriesOf('servers'),
      clients: await seriesOf('clients'),
    };
    // From `.bench/bench/`, where this file runs.
    await writeFile(new URL('../../docs/fleet-costs.svg', import.meta.url), plot(chartsOf(all), 'ms'));
    return [...organizationRows(all.organizations), ...serverRows(all.servers), ...clientRows(all.clients)];
  } finally {
    await fleet.close();
  }
}

const baseOf = ({ organizations, servers, clients }: Record<Dimension, number[]>): Size => ({
  organizations: organizations[0] ?? 0,
  servers: servers[0] ?? 0,
  clients: clients[0] ?? 0,
});

async function openFleet(values: Record<Dimension, number[]>) {
  const environment = await openEnvironment();
  const most = Math.max(...values.organizations) + WARM_UP * Math.max(...values.servers);
  const keys = apiKeys(most);
  const { cliniko, end: endCliniko } = await startCliniko({
    patients: PATIENTS,
    latencyMs: LATENCY_MS,
    cachedPages: 10,
    otherApiKeys: keys,
  });
  const settings = { CLINIKO_BASE_URL: cliniko.url, CLINIKO_REQUESTS_PER_MINUTE: '1000000' };
  let registered = 0;
  return {
    /** With organizations that no earlier measurement has synchronized. */
    async measure(size: Size): Promise<Cost> {
      progress(`${size.organizations} organizations, ${size.servers} servers, ${size.clients} clients …`);
      const ids = Array.from({ length: size.organizations }, (_, n) => registered + n + 1);
      registered += ids.length;
      const first = Array.from({ length: WARM_UP * size.servers }, (_, n) => registered + n + 1);
      registered += first.length;
      await register(environment, [...ids, ...first], keys);
      const servers = await Promise.all(
        Array.from({ length: size.servers }, () => startServerProcess(environment.url, settings)),
      );
      try {
        // Not counted: the first runs of a process compile its code, and prepare its statements.
        await syncAll(environment, servers, first);
        return await measureWith(environment, servers, ids, size.clients);
      } finally {
        await Promise.all(servers.map(({ child }) => end(child)));
      }
    },
    async close(): Promise<void> {
      endCliniko();
      await environment.close();
    },
  };
}

async function register(
  { database }: Environment,
  ids: readonly number[],
  keys: readonly string[],
): Promise<void> {
  const sealer = createSealer(CREDENTIALS_KEY);
  for (const [n, id] of ids.entries()) {
    await saveOrganization(database, id, { name: `Clinic ${id}` });
    await saveApiKey(database, sealer, id, keys[n] ?? '');
  }
}

async function measureWith(
  environment: Environment,
  servers: readonly ServerProcess[],
  ids: readonly number[],
  clients: number,
): Promise<Cost> {
  const load = start('fan-out/load-process');
  try {
    await openClients(load, servers, ids.slice(0, WATCHED), clients);
    const rest = await spending(environment, servers, () => delay(REST_MS));
    const work = await spending(environment, servers, () => syncAll(environment, servers, ids));
    const usages = await Promise.all(servers.map(usageOfServer));
    const idleMs = (spent: number) => (spent / rest.elapsedMs) * work.elapsedMs;
    return {
      serversMsPerSync: (work.serversMs - idleMs(rest.serversMs)) / ids.length,
      databaseMsPerSync: (work.databaseMs - idleMs(rest.databaseMs)) / ids.length,
      syncsPerSecond: ids.length / (work.elapsedMs / 1_000),
      serverAtRest: rest.serversMs / rest.elapsedMs / servers.length,
      databaseAtRest: rest.databaseMs / rest.elapsedMs,
      memoryMb: Math.max(...usages.map(({ rssBytes }) => rssBytes)) / 1_024 / 1_024,
    };
  } finally {
    await end(load);
  }
}

async function openClients(
  load: ReturnType<typeof start>,
  servers: readonly ServerProcess[],
  watched: readonly number[],
  clients: number,
): Promise<void> {
  const open = Math.round(clients / servers.length / watched.length);
  if (open === 0) return;
  for (const { url } of servers) {
    for (const id of watched) {
      const path = `/api/v1/cliniko/sync-logs/${id}/events`;
      const order: LoadOrder = { open, port: Number(new URL(url).port), path, dialect: 'sse' };
      await ask(load, order);
    }
  }
}

/** The processor time that the servers and the database use while `step` runs. */
async function spending(
  environment: Environment,
  servers: readonly ServerProcess[],
  step: () => Promise<void>,
) {
  const read = async () => ({
    at: performance.now(),
    servers: (await Promise.all(servers.map(usageOfServer))).reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    database: await databaseCpuMs(environment),
  });
  const before = await read();
  await step();
  const after = await read();
  return {
    elapsedMs: after.at - before.at,
    serversMs: after.servers - before.servers,
    databaseMs: after.database - before.database,
  };
}

async function syncAll(
  { database: { sql } }: Environment,
  servers: readonly ServerProcess[],
  ids: readonly number[],
): Promise<void> {
  await Promise.all(
    ids.map(async (id, n) => {
      const url = `${servers[n % servers.length]?.url}/api/v1/cliniko/sync-all/${id}`;
      const answer = await fetch(url, { method: 'POST' });
      if (!answer.ok) throw new Error(`The start of a sync was answered ${answer.status}.`);
    }),
  );
  for (const deadline = performance.now() + LIMIT_MS; ; await delay(100)) {
    const [row] = await sql<{ completed: number }[]>`select count(*)::int as completed from sync_logs
      where status = 'completed' and organization_id = any(${[...ids]}::int[])`;
    if (row?.completed === ids.length) return;
    if (performance.now() > deadline) throw new Error(`${row?.completed} of ${ids.length} runs completed.`);
  }
}
