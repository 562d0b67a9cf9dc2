/**
 * The environment of every scene: one embedded PostgreSQL, and for each scene its own database, server and Cliniko.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Sql } from 'postgres';
import { createToken, type NewToken } from '../../../src/access/api-tokens.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../../../src/cliniko-simulator/server.ts';
import { readConfig } from '../../../src/config/config.ts';
import { openDatabase } from '../../../src/database/open.ts';
import { openEmbeddedDatabase } from '../../../src/embedded-postgres/open.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { startServer } from '../../../src/server/server.ts';
import { connectPostgres } from '../../support/postgres.ts';

export interface ScreenshotEnvironments {
  /** @param auth for its server; default: no accounts */
  openEnvironment(auth?: 'none' | 'tokens'): Promise<Environment>;
  close(): Promise<void>;
}

export interface Environment {
  url: string;
  cliniko: ClinikoSimulator;
  sql: Sql;
  /** For a person who signs in. */
  token(wish: Pick<NewToken, 'scope' | 'organizations'>): Promise<string>;
  /** An administrator's request below `/api/v1`; throws when it is rejected. */
  api(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<unknown>;
  stopServer(): Promise<void>;
  close(): Promise<void>;
}

const PATIENTS = 1_944;
/** Long enough to take every size and theme during a run. */
const LATENCY_MS = 2_600;

export async function openScreenshotEnvironments(): Promise<ScreenshotEnvironments> {
  const dataDir = await mkdtemp(join(tmpdir(), 'patient-sync-pictures-'));
  await chmod(dataDir, 0o755);
  const embedded = await openEmbeddedDatabase({ dataDir });
  let scenes = 0;
  return {
    async openEnvironment(auth = 'none') {
      scenes += 1;
      return openEnvironment(embedded.url, `scene_${scenes}`, auth);
    },
    async close() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function openEnvironment(
  adminUrl: string,
  name: string,
  auth: 'none' | 'tokens',
): Promise<Environment> {
  const admin = connectPostgres(adminUrl);
  await admin`create database ${admin(name)}`;
  await admin.end();
  const databaseUrl = new URL(adminUrl);
  databaseUrl.pathname = `/${name}`;
  const cliniko = await startClinikoSimulator({
    patients: PATIENTS,
    requestsPerMinute: Infinity,
    latencyMs: LATENCY_MS,
  });
  const server = await startServer(configOf(databaseUrl.href, cliniko, auth), silentLogger());
  const sql = connectPostgres(databaseUrl.href, { max: 4 });
  const database = openDatabase(databaseUrl.href, { max: 1 });
  const token: Environment['token'] = async (wish) =>
    (await createToken(database, { name: 'Front desk', expiresInDays: 1, ...wish })).token;
  const headers = { authorization: `Bearer ${await token({ scope: 'admin', organizations: '*' })}` };
  return {
    url: server.url,
    cliniko,
    sql,
    stopServer: server.stop,
    token,
    async api(method, path, body) {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response.status === 204 ? undefined : response.json();
    },
    async close() {
      await sql.end();
      await database.close();
      await server.stop();
      await cliniko.close();
    },
  };
}

function configOf(databaseUrl: string, cliniko: ClinikoSimulator, auth: 'none' | 'tokens') {
  const environment = {
    AUTH: auth,
    PORT: '0',
    DATABASE_URL: databaseUrl,
    CREDENTIALS_KEY: Buffer.alloc(32, 1).toString('base64'),
    CLINIKO_BASE_URL: cliniko.url,
    CLINIKO_REQUESTS_PER_MINUTE: '1000000',
    DRAIN_MS: '0',
  };
  return readConfig(environment, [], false);
}

function silentLogger() {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return createLogger({ level: 'fatal', format: 'json', colour: false }, nowhere);
}
