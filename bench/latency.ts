/** A sync of 648 patients from an API that answers in 120 ms, against the ideal: the first page, then windows of pages. */

import { fetchRecords, openClinic, openEnvironment } from './environment.ts';
import { median, progress } from './rounds.ts';
import type { Row } from './table.ts';

const PATIENTS = 648;
const LATENCY_MS = 120;
const PAGES = 7;
const WINDOW = 4;
const ROUNDS = 7;

export async function benchLatency(): Promise<Row[]> {
  const environment = await openEnvironment();
  const clinic = await openClinic(environment, {
    patients: PATIENTS,
    latencyMs: LATENCY_MS,
    cachedPages: PAGES * 2,
  });
  try {
    // The simulated Cliniko draws its pages now, and not while the first sync waits.
    await fetchRecords(clinic.cliniko, PATIENTS);
    const rounds: { ms: number; serverMs: number; requests: number }[] = [];
    while (rounds.length <= ROUNDS) {
      progress(`${PATIENTS} new patients, sync ${rounds.length + 1} of ${ROUNDS + 1} …`);
      await environment.database.sql`truncate patients`;
      const { seconds, serverMs, log } = await clinic.sync();
      const requests = log.metadata.performance_metrics?.api_requests ?? 0;
      rounds.push({ ms: seconds * 1_000, serverMs, requests });
    }
    return rowsOf(rounds);
  } finally {
    await clinic.close();
    await environment.close();
  }
}

/** @param rounds the first one is the first sync of a server that has just started */
function rowsOf([first, ...later]: { ms: number; serverMs: number; requests: number }[]): Row[] {
  if (first === undefined) return [];
  const ideal = (1 + Math.ceil((PAGES - 1) / WINDOW)) * LATENCY_MS;
  const row = (name: string, ms: number, atMost?: number): Row => ({
    name: `${PATIENTS} patients at ${LATENCY_MS} ms, ${first.requests} requests, ${name}`,
    value: ms,
    unit: 'ms',
    ratio: ms / ideal,
    of: `the ideal of ${ideal} ms`,
    ...(atMost !== undefined && { atMost }),
  });
  const processor = (serverMs: number): Row => ({
    name: 'the same: processor time of the server',
    value: serverMs,
    unit: 'ms',
  });
  return [
    row('the first sync of a server', first.ms),
    processor(first.serverMs),
    row('a later one', median(later.map(({ ms }) => ms)), 1.3),
    processor(median(later.map(({ serverMs }) => serverMs))),
  ];
}
