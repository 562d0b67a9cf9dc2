/**
 * The remaining time at a quarter of a run, compared with how long the run took. Clinics of several sizes and speeds; in each, first
 * runs, and runs that have an earlier one of their kind.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { Forecast, type SyncLog } from '#contract/sync-log.ts';
import { type Clinic, type Environment, openClinic, openEnvironment, readLatestRun } from './environment.ts';
import { percentile, progress } from './rounds.ts';
import type { Row } from './table.ts';

const PROMISED_PERCENT = 15;
const AT_PERCENT = 25;

/** A run takes 20 to 40 s, so that a quarter of it is longer than the 5 s before an estimate is shown. */
const CLINICS = [
  { patients: 1_100, latencyMs: 3_500 },
  { patients: 2_350, latencyMs: 2_000 },
  { patients: 3_900, latencyMs: 1_800 },
  { patients: 5_200, latencyMs: 1_500 },
  { patients: 8_000, latencyMs: 1_200 },
];
/** Of an answer: it takes up to this much longer or shorter. */
const LATENCY_SPREAD = 1 / 3;
/** Of each clinic, at the same time. Fewer than the runs that a server executes at once: none waits in the queue. */
const RUNS = 10;
const FIRST_ORGANIZATION = 1_000;
const LOOK_EVERY_MS = 100;
/** A benchmark must end. */
const GIVE_UP_MS = 180_000;

const Measured = z.object({ duration_ms: z.number(), forecasts: z.array(Forecast) });

export async function benchRemainingTime({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const [first, later]: [number[], number[]] = [[], []];
  for (const options of isQuick ? CLINICS.slice(0, 1) : CLINICS) {
    progress(`${RUNS} clinics of ${options.patients} patients, twice …`);
    const environment = await openEnvironment();
    const behaviour = { latencySpreadMs: LATENCY_SPREAD * options.latencyMs };
    const clinic = await openClinic(environment, { ...options, behaviour });
    try {
      const organizations = Array.from({ length: RUNS }, (_, n) => FIRST_ORGANIZATION + n);
      for (const id of organizations) await register(clinic, id);
      first.push(...(await errorsOf(environment, clinic, organizations)));
      later.push(...(await errorsOf(environment, clinic, organizations)));
    } finally {
      await clinic.close();
      await environment.close();
    }
  }
  return [
    error(`error at ${AT_PERCENT} % of ${later.length} runs after an earlier one, p95`, later, 0.95),
    error(`error at ${AT_PERCENT} % of ${later.length} runs after an earlier one, median`, later, 0.5),
    error(`error at ${AT_PERCENT} % of ${first.length} first runs, p95`, first, 0.95),
  ];
}

async function register({ serverUrl, cliniko }: Clinic, id: number): Promise<void> {
  const path = `${serverUrl}/api/v1/organizations/${id}`;
  await put(path, { name: `Clinic ${id}` });
  await put(`${path}/cliniko-credentials`, { api_key: cliniko.apiKey });
}

async function put(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { ok, status } = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) });
  if (!ok) throw new Error(`PUT ${url} was answered ${status}.`);
}

/** One run of each organization. @returns the errors in percent of the duration */
function errorsOf(environment: Environment, { serverUrl }: Clinic, organizations: readonly number[]) {
  return Promise.all(
    organizations.map(async (id) => {
      await fetch(`${serverUrl}/api/v1/cliniko/sync-all/${id}`, { method: 'POST' });
      const { metadata } = await ended(environment, id);
      const { duration_ms, forecasts } = Measured.parse(metadata);
      const forecast = forecasts.find(({ at_percent }) => at_percent === AT_PERCENT);
      if (forecast === undefined) throw new Error(`Run of ${id} has no forecast at ${AT_PERCENT} %.`);
      return (Math.abs(forecast.predicted_ms - duration_ms) / duration_ms) * 100;
    }),
  );
}

async function ended(environment: Environment, id: number): Promise<SyncLog> {
  for (const end = performance.now() + GIVE_UP_MS; performance.now() < end; await delay(LOOK_EVERY_MS)) {
    const log = await readLatestRun(environment, id);
    if (log.status === 'completed') return log;
    if (log.status === 'failed') throw new Error(`The run of ${id} failed: ${log.error_details}`);
  }
  throw new Error(`The run of ${id} did not end within ${GIVE_UP_MS} ms.`);
}

function error(name: string, errors: readonly number[], share: number): Row {
  const value = percentile(errors, share);
  const of = `the ${PROMISED_PERCENT} % we promise`;
  return { name, value, unit: '%', ratio: value / PROMISED_PERCENT, of, atMost: 1 };
}
