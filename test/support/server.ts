/** A complete server for one test: our server with a simulated Cliniko, on the database of the test, on any free port. */
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import {
  type ClinikoSimulator,
  type SimulatorOptions,
  startClinikoSimulator,
} from '../../src/cliniko-simulator/server.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';

export interface TestServer extends RunningServer {
  cliniko: ClinikoSimulator;
  /** The log of the server so far, in the pretty format. */
  logged(): string;
  /** A request below `/api/v1`. */
  api(path: string, init?: RequestInit): Promise<Response>;
}

export interface TestServerOptions extends Partial<SimulatorOptions> {
  /** Registered with the simulator's key. Default: 123. */
  organizations?: readonly number[];
  config?: Partial<Omit<Config, 'cliniko'>> & { cliniko?: Partial<Config['cliniko']> };
  /** Share one Cliniko between two servers. */
  cliniko?: ClinikoSimulator;
  /** Takes what stops the server. Default: the end of the test, which is too early for a server that tests share. */
  atEnd?: (cleanup: () => Promise<void>) => void;
}

/** Any 32 bytes; two servers on one database need the same. */
export const CREDENTIALS_KEY = Buffer.alloc(32, 7);

export async function startTestServer(
  databaseUrl: string,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const { organizations = [123], config = {}, atEnd = onTestFinished, ...simulation } = options;
  const cliniko =
    options.cliniko ??
    (await startClinikoSimulator({ patients: 648, requestsPerMinute: Infinity, ...simulation }));
  const lines: string[] = [];
  const output = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const settings: Config = {
    ...readConfig({}, [], false),
    port: 0,
    databaseUrl,
    credentialsKey: CREDENTIALS_KEY,
    drainMs: 1_000,
    // A connection costs PostgreSQL as much as the statements of a test.
    databasePoolMax: 5,
    ...config,
    cliniko: {
      ...readConfig({}, [], false).cliniko,
      baseUrl: cliniko.url,
      requestsPerMinute: 1_000_000,
      ...config.cliniko,
    },
  };
  const server = await startServer(
    settings,
    createLogger({ level: 'debug', format: 'pretty', colour: false }, output),
  );
  atEnd(async () => {
    await server.stop();
    if (options.cliniko === undefined) await cliniko.close();
  });
  const api = (path: string, init?: RequestInit) => fetch(`${server.url}/api/v1${path}`, init);
  for (const id of organizations) await register(api, id, cliniko.apiKey);
  return { ...server, cliniko, logged: () => lines.join(''), api };
}

async function register(api: TestServer['api'], id: number, apiKey: string): Promise<void> {
  await putJson(api, `/organizations/${id}`, { name: `Clinic ${id}` });
  await putJson(api, `/organizations/${id}/cliniko-credentials`, { api_key: apiKey });
}

export async function putJson(api: TestServer['api'], path: string, body: unknown): Promise<void> {
  const response = await api(path, { method: 'PUT', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`PUT ${path} was answered ${response.status}: ${await response.text()}`);
}
