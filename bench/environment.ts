/** The environment of every benchmark: its own database, with durable commits as in production. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SyncLog } from '#contract/sync-log.ts';
import type { SimulatorOptions } from '../src/cliniko-simulator/server.ts';
import { migrate } from '../src/database/migrate.ts';
import { type Database, openDatabase } from '../src/database/open.ts';
import { openEmbeddedDatabase } from '../src/embedded-postgres/open.ts';
import { readSyncLogs } from '../src/events/sync-logs.ts';
import { makeFolder } from './fan-out/program.ts';
import { end as endProcess } from './processes.ts';
import { watchForEnd } from './run-end.ts';
import { databaseCpuMs, startServerProcess, usageOfServer } from './server-processes.ts';

export const ORGANIZATION = 123;

export interface Environment {
  database: Database;
  url: string;
  close(): Promise<void>;
}

export async function openEnvironment(): Promise<Environment> {
  const dataDir = await makeFolder();
  const embedded = await openEmbeddedDatabase({ dataDir });
  await migrate(embedded.url);
  const database = openDatabase(embedded.url);
  const close = async () => {
    await database.close();
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { database, url: embedded.url, close };
}

/** The address of a simulated Cliniko, and its valid key. */
export interface Cliniko {
  url: string;
  apiKey: string;
}

export interface Clinic {
  cliniko: Cliniko;
  serverUrl: string;
  /** A whole run, started over HTTP. */
  sync(): Promise<MeasuredRun>;
  close(): Promise<void>;
}

/** A run from its request to its end. */
interface MeasuredRun {
  log: SyncLog;
  seconds: number;
  /** Processor time of the server, in milliseconds. */
  serverMs: number;
  /** Processor time of PostgreSQL, in milliseconds. */
  databaseMs: number;
}

export async function openClinic(environment: Environment, simulation: SimulatorOptions): Promise<Clinic> {
  const { cliniko, end } = await startCliniko(simulation);
  const server = await startServerProcess(environment.url, settingsOf(cliniko));
  return {
    cliniko,
    serverUrl: server.url,
    async sync() {
      // Cliniko allows 200 requests a minute. The thousands of earlier syncs would be counted again with each request.
      await environment.database.sql`truncate request_reservations`;
      const { ended } = await watchForEnd(server.url, ORGANIZATION);
      const databaseBegan = await databaseCpuMs(environment);
      const serverBegan = await usageOfServer(server);
      const began = performance.now();
      await fetch(`${server.url}/api/v1/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' });
      const log = await ended;
      const seconds = (performance.now() - began) / 1_000;
      const serverMs = (await usageOfServer(server)).cpuMs - serverBegan.cpuMs;
      const databaseMs = (await databaseCpuMs(environment)) - databaseBegan;
      if (log.status === 'failed') throw new Error(`The run failed: ${log.error_details}`);
      return { log, seconds, serverMs, databaseMs };
    },
    async close() {
      await endProcess(server.child);
      end();
    },
  };
}

/** The environment variables of a server that synchronizes `ORGANIZATION` with this Cliniko, without waiting for its budget. */
export const settingsOf = ({ url, apiKey }: Cliniko): Record<string, string> => ({
  CLINIKO_BASE_URL: url,
  CLINIKO_ORGANIZATION_ID: String(ORGANIZATION),
  CLINIKO_API_KEY: apiKey,
  CLINIKO_REQUESTS_PER_MINUTE: '1000000',
});

/** For organizations that each have a key, and with it a request budget, of their own. */
export const apiKeys = (count: number): string[] =>
  Array.from(
    { length: count },
    (_, n) => `${Buffer.from(`a clinic of the benchmark ${n}`).toString('base64')}-au1`,
  );

/** The newest run of an organization that has one. */
export async function readLatestRun({ database }: Environment, organizationId: number): Promise<SyncLog> {
  const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1 });
  return SyncLog.parse(JSON.parse(logs[0] ?? 'null'));
}

/** In its own process, so that its cost does not count as ours. */
export async function startCliniko(
  options: SimulatorOptions,
): Promise<{ cliniko: Cliniko; end: () => void }> {
  const script = fileURLToPath(new URL('cliniko-process.js', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { cliniko: JSON.parse(String(line)), end: () => child.stdin.end() };
}

/** The simulator's patients, as its pages contain them. */
export async function fetchRecords(cliniko: Cliniko, count: number): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for (let page = 1; records.length < count; page++) {
    const search = new URLSearchParams({ page: String(page), per_page: '100', 'q[]': 'archived_at:*' });
    const response = await fetch(`${cliniko.url}/patients?${search}`, {
      headers: {
        authorization: `Basic ${Buffer.from(`${cliniko.apiKey}:`).toString('base64')}`,
        accept: 'application/json',
        'user-agent': 'Bench (bench@example.com)',
      },
    });
    const body: { patients: Record<string, unknown>[] } = await response.json();
    if (body.patients.length === 0) break;
    records.push(...body.patients);
  }
  return records.slice(0, count);
}
