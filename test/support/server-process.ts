/** A server as a real process that a test can kill, freeze or disconnect from its database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished, vi } from 'vitest';
import { SyncLog, SyncLogList } from '#contract/sync-log.ts';
import type { ClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { builtEntry } from './build-server.ts';
import { CREDENTIALS_KEY } from './server.ts';

export interface ServerProcess {
  url: string;
  child: ChildProcess;
  /** The latest run of a clinic. */
  latest(organizationId?: number): Promise<SyncLog>;
  start(organizationId?: number): Promise<Response>;
  /** Resolves with the first matching state of the latest run. */
  until(
    holds: (log: SyncLog) => boolean,
    options?: { timeout?: number; organizationId?: number },
  ): Promise<SyncLog>;
}

export interface ProcessOptions {
  cliniko: ClinikoSimulator;
  /** Set here, or in `environment` as DATA_DIR. */
  databaseUrl?: string;
  environment?: Record<string, string>;
  /** How far its clock is ahead of the test clock. */
  clockAheadMs?: number;
}

const PATIENCE_MS = 25_000;

export async function startServerProcess(options: ProcessOptions): Promise<ServerProcess> {
  const { cliniko, databaseUrl, environment = {}, clockAheadMs = 0 } = options;
  const skew = clockAheadMs === 0 ? [] : ['--import', skewedClock(clockAheadMs)];
  const child = spawn(process.execPath, [...skew, builtEntry('main')], {
    env: {
      ...process.env,
      PORT: '0',
      CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'),
      CLINIKO_BASE_URL: cliniko.url,
      CLINIKO_ORGANIZATION_ID: '123',
      CLINIKO_API_KEY: cliniko.apiKey,
      CLINIKO_REQUESTS_PER_MINUTE: '1000000',
      LOG_FORMAT: 'pretty',
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = await addressOf(child);
  const server: ServerProcess = {
    url,
    child,
    async latest(organizationId = 123) {
      const response = await fetch(`${url}/api/v1/cliniko/sync-logs/${organizationId}?limit=1`);
      if (!response.ok) throw new Error(`The poll was answered ${response.status}: ${await response.text()}`);
      return SyncLog.parse(SyncLogList.parse(await response.json()).logs[0]);
    },
    start: (organizationId = 123) =>
      fetch(`${url}/api/v1/cliniko/sync-all/${organizationId}`, { method: 'POST' }),
    until: (holds, { timeout = PATIENCE_MS, organizationId } = {}) =>
      vi.waitFor(
        async () => {
          const log = await server.latest(organizationId);
          if (!holds(log)) throw new Error(`Not yet: ${log.status}, ${log.records_processed} done.`);
          return log;
        },
        { timeout, interval: 50 },
      ),
  };
  return server;
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('Its output is a pipe.');
  for await (const line of createInterface(child.stdout)) {
    const url = /listens on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error('The server ended before it listened.');
}

/** A module that shifts the clock of its process, like a machine without NTP. */
function skewedClock(ms: number): string {
  const script = `const now = Date.now.bind(Date);
    globalThis.Date = class extends Date {
      constructor(...args) { args.length === 0 ? super(now() + ${ms}) : super(...args); }
      static now() { return now() + ${ms}; }
    };`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}
