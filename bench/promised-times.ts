/**
 * Times that we promise: a cancelled sync ends within a second, a revoked token's streams end within five, and another
 * server continues the run of a killed one within ten. The tests check that it happens, and allow a slow machine more time;
 * here it is measured.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SyncLog } from '#contract/sync-log.ts';
import { createToken, revokeToken } from '../src/access/api-tokens.ts';
import { startServer } from '../src/server/server.ts';
import {
  type Clinic,
  type Environment,
  ORGANIZATION,
  openClinic,
  openEnvironment,
  readLatestRun,
} from './environment.ts';
import { productConfig, silentLogger } from './product.ts';
import { percentile, progress } from './rounds.ts';
import type { Row } from './table.ts';
import { takeoverTimes } from './takeovers.ts';
import { benchWebhookShare } from './webhook-share.ts';

const CANCELLED_WITHIN_MS = 1_000;
const REVOKED_WITHIN_MS = 5_000;
const TAKEN_OVER_WITHIN_MS = 10_000;
/** A run of this clinic takes a minute, so every cancel meets it in the middle of its requests. */
const CLINIC = { patients: 20_000, latencyMs: 1_000 };
const LOOK_EVERY_MS = 5;
/** A benchmark must end. */
const GIVE_UP_MS = 30_000;
/** Revocations come at any moment between two checks of the open streams. */
const BETWEEN_REVOCATIONS_MS = 130;

export async function benchPromisedTimes({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const environment = await openEnvironment();
  try {
    return [
      await benchCancels(environment, isQuick ? 10 : 40),
      await benchRevocations(environment, isQuick ? 10 : 40),
      promised(
        'SIGKILL of a server → another one continues its run, p95',
        await takeoverTimes(isQuick ? 3 : 10),
        TAKEN_OVER_WITHIN_MS,
      ),
      await benchWebhookShare(environment, isQuick ? 5 : 20),
    ];
  } finally {
    await environment.close();
  }
}

async function benchCancels(environment: Environment, cancels: number): Promise<Row> {
  progress(`${cancels} cancels …`);
  const clinic = await openClinic(environment, CLINIC);
  const times: number[] = [];
  try {
    for (let n = 0; n < cancels; n++) times.push(await cancelOne(environment, clinic));
  } finally {
    await clinic.close();
  }
  return promised('cancel of a running sync → its row is `failed`, p95', times, CANCELLED_WITHIN_MS);
}

async function cancelOne(environment: Environment, { serverUrl }: Clinic): Promise<number> {
  await fetch(`${serverUrl}/api/v1/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' });
  const { id } = await latestWhen(environment, ({ metadata }) => metadata.phase !== 'queued');
  await delay(Math.random() * CLINIC.latencyMs);
  const began = performance.now();
  const path = `/api/v1/cliniko/sync-logs/${ORGANIZATION}/${id}/cancel`;
  const { status } = await fetch(serverUrl + path, { method: 'POST' });
  if (status !== 202) throw new Error(`The cancel was answered ${status}.`);
  await latestWhen(environment, (log) => log.id === id && log.status === 'failed');
  return performance.now() - began;
}

async function latestWhen(environment: Environment, isDue: (log: SyncLog) => boolean): Promise<SyncLog> {
  for (const end = performance.now() + GIVE_UP_MS; performance.now() < end; await delay(LOOK_EVERY_MS)) {
    const log = await readLatestRun(environment, ORGANIZATION);
    if (isDue(log)) return log;
  }
  throw new Error(`The run did not get there within ${GIVE_UP_MS} ms.`);
}

async function benchRevocations(environment: Environment, streams: number): Promise<Row> {
  progress(`${streams} revoked tokens with a stream …`);
  const server = await startServer(productConfig(environment.url, { AUTH: 'tokens' }), silentLogger());
  const url = `${server.url}/api/v1/cliniko/sync-logs/${ORGANIZATION}/events`;
  try {
    const times = await Promise.all(
      Array.from({ length: streams }, (_, n) => revokeOne(environment, url, n * BETWEEN_REVOCATIONS_MS)),
    );
    return promised('revocation of a token → its stream ends, p95', times, REVOKED_WITHIN_MS);
  } finally {
    await server.stop();
  }
}

async function revokeOne({ database }: Environment, url: string, afterMs: number): Promise<number> {
  const wish = { name: 'bench', scope: 'read', organizations: [ORGANIZATION], expiresInDays: 1 } as const;
  const { id, token } = await createToken(database, { ...wish, organizations: [...wish.organizations] });
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(afterMs + GIVE_UP_MS) });
  if (response.status !== 200) throw new Error(`The stream was answered ${response.status}.`);
  const ended = response.text().then(() => performance.now());
  await delay(afterMs);
  const began = performance.now();
  await revokeToken(database, id);
  return (await ended) - began;
}

function promised(name: string, times: readonly number[], limitMs: number): Row {
  const value = percentile(times, 0.95);
  return { name, value, unit: 'ms', ratio: value / limitMs, of: `the ${limitMs} ms we promise`, atMost: 1 };
}
