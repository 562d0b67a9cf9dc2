/** The sync engine without a server: a database, a scripted clinic, and any number of workers. */
import { Writable } from 'node:stream';
import { onTestFinished, vi } from 'vitest';
import { SyncLog } from '#contract/sync-log.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { type OpenOptions, openDatabase } from '../../src/database/open.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { saveApiKey, saveOrganization } from '../../src/organizations/organizations.ts';
import type { EngineDeps } from '../../src/sync/run-context.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { Worker } from '../../src/sync/worker.ts';
import { CREDENTIALS_KEY } from './server.ts';

const ORGANIZATION = 123;

export async function openEngine(databaseUrl: string, options: OpenOptions = {}) {
  const database = openDatabase(databaseUrl, options);
  const sealer = createSealer(CREDENTIALS_KEY);
  const bus = createMemoryBus();
  onTestFinished(() => database.close());
  await saveOrganization(database, ORGANIZATION, {});
  await saveApiKey(database, sealer, ORGANIZATION, 'a-key-au1');

  const latest = async (): Promise<SyncLog> => {
    const { logs } = await readSyncLogs(database.sql, ORGANIZATION, { limit: 1 });
    return SyncLog.parse(JSON.parse(logs[0] ?? 'null'));
  };
  const deps = (source: PatientSource, perPage = 10): EngineDeps => ({
    database,
    sealer,
    bus,
    logger: createLogger(
      { level: 'fatal', format: 'json', colour: false },
      new Writable({ write: (_c, _e, done) => done() }),
    ),
    sourceFor: () => source,
    perPage,
    window: 4,
    runsAtOnce: 16,
  });
  const engine = {
    database,
    sql: database.sql,
    deps,
    latest,
    work(source: PatientSource, more: Partial<EngineDeps> = {}): Worker {
      const worker = new Worker({ ...deps(source), ...more });
      onTestFinished(() => worker.stop());
      return worker;
    },
    async start(): Promise<number> {
      const { syncLogId } = await startRun(database, ORGANIZATION, 'full_patients');
      bus.publish({ organizations: [ORGANIZATION], work: true });
      return syncLogId;
    },
    /** Runs one complete sync with a new worker. */
    async syncWith(source: PatientSource): Promise<SyncLog> {
      const worker = engine.work(source);
      await engine.start();
      const log = await engine.ended();
      await worker.stop();
      return log;
    },
    ended: () =>
      vi.waitFor(
        async () => {
          const log = await latest();
          if (log.status === 'running')
            throw new Error(`Still ${log.metadata.phase}, ${log.records_processed} done.`);
          return log;
        },
        { timeout: 20_000, interval: 25 },
      ),
    countPatients: async (): Promise<number> => {
      const [row] = await database.sql<{ count: number }[]>`select count(*)::int as count from patients`;
      return row?.count ?? 0;
    },
  };
  return engine;
}
