/** A hundred clinics whose Cliniko takes half a second for each answer, all started at once on one server. */
import { setTimeout as delay } from 'node:timers/promises';
import { startServer } from '../src/server/server.ts';
import { apiKeys, openEnvironment, startCliniko } from './environment.ts';
import { productConfig, silentLogger } from './product.ts';
import { progress } from './rounds.ts';
import type { Row } from './table.ts';

const LATENCY_MS = 500;
const PATIENTS = 648;
const LIMIT_MS = 120_000;

export async function benchManyClinics({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const clinics = isQuick ? 40 : 100;
  const instant = await syncAll(clinics, 0);
  const slow = await syncAll(clinics, LATENCY_MS);
  return [
    {
      name: `${clinics} clinics of ${PATIENTS} patients at ${LATENCY_MS} ms, one server`,
      value: slow.perSecond,
      unit: 'clinics/s',
      ratio: slow.perSecond / 4,
      of: 'the 4 that we promise',
      atLeast: 1,
    },
    {
      name: 'the same, next to a Cliniko that answers at once',
      value: slow.perSecond,
      unit: 'clinics/s',
      ratio: slow.perSecond / instant.perSecond,
      of: 'without latency',
    },
    { name: 'processor of the server, a clinic', value: slow.cpuMs, unit: 'ms' },
  ];
}

/** @returns clinics a second, and the processor time of the server for each */
async function syncAll(clinics: number, latencyMs: number): Promise<{ perSecond: number; cpuMs: number }> {
  const environment = await openEnvironment();
  const keys = apiKeys(clinics);
  const { cliniko, end } = await startCliniko({
    patients: PATIENTS,
    latencyMs,
    cachedPages: 10,
    otherApiKeys: keys,
  });
  const config = productConfig(environment.url, {
    CLINIKO_BASE_URL: cliniko.url,
    CLINIKO_REQUESTS_PER_MINUTE: '1000000',
  });
  const server = await startServer(config, silentLogger());
  const api = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}.`);
  };
  try {
    progress(`${clinics} clinics at ${latencyMs} ms …`);
    const ids = Array.from({ length: clinics }, (_, index) => index + 1);
    for (const id of ids) {
      await api('PUT', `/organizations/${id}`, { name: `Clinic ${id}` });
      await api('PUT', `/organizations/${id}/cliniko-credentials`, { api_key: keys[id - 1] });
    }
    const [begin, before] = [performance.now(), process.cpuUsage()];
    await Promise.all(ids.map((id) => api('POST', `/cliniko/sync-all/${id}`)));
    const { sql } = environment.database;
    for (let completed = 0; completed < clinics; ) {
      if (performance.now() - begin > LIMIT_MS) throw new Error(`${completed} of ${clinics} runs completed.`);
      await delay(50);
      const [row] = await sql<{ completed: number }[]>`
        select count(*)::int as completed from sync_logs where status = 'completed'`;
      completed = row?.completed ?? 0;
    }
    const { user, system } = process.cpuUsage(before);
    const perSecond = clinics / ((performance.now() - begin) / 1_000);
    return { perSecond, cpuMs: (user + system) / 1_000 / clinics };
  } finally {
    await server.stop();
    end();
    await environment.close();
  }
}
