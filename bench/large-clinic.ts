/** One clinic of a million patients: how much memory the server needs for a run that is a hundred times the usual size. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Environment,
  ORGANIZATION,
  openEnvironment,
  readLatestRun,
  settingsOf,
  startCliniko,
} from './environment.ts';
import { end } from './processes.ts';
import { progress } from './rounds.ts';
import { type ServerProcess, startServerProcess, usageOfServer } from './server-processes.ts';
import type { Row } from './table.ts';

const MEMORY_MB = 200;
const LOOK_EVERY_MS = 250;
const REPORT_EVERY_MS = 20_000;
const LIMIT_MS = 15 * 60_000;

export async function benchLargeClinic({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const patients = isQuick ? 100_000 : 1_000_000;
  const environment = await openEnvironment();
  const simulation = await startCliniko({ patients });
  const server = await startServerProcess(environment.url, settingsOf(simulation.cliniko));
  try {
    const began = performance.now();
    const cpuBegan = (await usageOfServer(server)).cpuMs;
    const peakMb = await syncAndWatchMemory(environment, server, patients);
    const cpuMs = (await usageOfServer(server)).cpuMs - cpuBegan;
    const name = `one clinic of ${patients.toLocaleString('en')} patients`;
    return [
      {
        name: `${name}, all new`,
        value: patients / ((performance.now() - began) / 1_000),
        unit: 'patients/s',
      },
      {
        name: 'the same: processor time of the server',
        value: (cpuMs * 1_000) / patients,
        unit: 'µs a patient',
      },
      {
        name: 'the same: memory of the server at its highest (RSS)',
        value: peakMb,
        unit: 'MB',
        ratio: peakMb / MEMORY_MB,
        of: `the ${MEMORY_MB} MB we allow`,
        atMost: 1,
      },
    ];
  } finally {
    await end(server.child);
    simulation.end();
    await environment.close();
  }
}

/** @returns the highest RSS of the server during the run, in MB */
async function syncAndWatchMemory(
  environment: Environment,
  server: ServerProcess,
  patients: number,
): Promise<number> {
  await fetch(`${server.url}/api/v1/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' });
  const began = performance.now();
  let peakBytes = 0;
  for (let reportAt = REPORT_EVERY_MS; ; ) {
    const log = await readLatestRun(environment, ORGANIZATION);
    peakBytes = Math.max(peakBytes, (await usageOfServer(server)).rssBytes);
    if (log.status === 'completed' && log.records_success === patients) return peakBytes / 1_000_000;
    if (log.status !== 'running') throw new Error(`The run ended with ${log.records_success} patients.`);
    const elapsedMs = performance.now() - began;
    if (elapsedMs > LIMIT_MS) throw new Error(`${log.records_processed} patients after ${LIMIT_MS} ms.`);
    if (elapsedMs > reportAt) {
      progress(`${log.records_processed} of ${patients} patients, ${Math.round(peakBytes / 1_000_000)} MB …`);
      reportAt += REPORT_EVERY_MS;
    }
    await delay(LOOK_EVERY_MS);
  }
}
