/**
 * A worker that is killed (SIGKILL) after each statement of a batch's transaction, the commit included, whose answer it
 * then never hears. Whoever goes on finds either all of the batch or nothing of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished } from 'vitest';
import { createClinikoClient } from '../../src/cliniko/client.ts';
import { systemClock } from '../../src/cliniko/clock.ts';
import { createMemoryBudget } from '../../src/cliniko/memory-budget.ts';
import { createPacer } from '../../src/cliniko/pacing.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko/simulator/server.ts';
import { Timeline } from '../../src/contract/stream-event.ts';
import { readTimeline } from '../../src/events/log.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';
import {
  openStatementProxy,
  type PassingStatement,
  type StatementProxy,
} from '../support/statement-proxy.ts';

const PATIENTS = 230;
const API_KEY = 'a-key-au1';
const WORKER = fileURLToPath(new URL('../support/worker-process.ts', import.meta.url));

function startWorkerProcess(databaseUrl: string, cliniko: ClinikoSimulator): ChildProcess {
  const key = CREDENTIALS_KEY.toString('base64');
  const child = spawn(process.execPath, ['--import', 'tsx', WORKER, databaseUrl, cliniko.url, key], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const isBatch = ({ transaction }: PassingStatement) =>
  transaction.some((text) => text.includes('insert into sync_seen'));

/** Texts of a whole batch's transaction, from an undisturbed run. */
async function learnBatch(
  engine: Engine,
  proxy: StatementProxy,
  cliniko: ClinikoSimulator,
): Promise<string[]> {
  let batch: readonly string[] = [];
  proxy.onStatement = (statement) => {
    if (isBatch(statement)) batch = statement.transaction;
  };
  await engine.start();
  const child = startWorkerProcess(proxy.url, cliniko);
  await engine.ended();
  proxy.onStatement = () => {};
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  return [...batch];
}

/** Resolves when the worker has been killed, right after this place in its second batch was passed on. */
async function killAt(
  place: number,
  statements: readonly string[],
  proxy: StatementProxy,
  child: ChildProcess,
): Promise<void> {
  let batches = 0;
  proxy.onStatement = ({ text, place: at, transaction }) => {
    const looksLikeBatch = transaction.every((one, index) => one === statements[index]);
    if (looksLikeBatch && at === statements.length) batches += 1;
    if (!looksLikeBatch || batches < (place === statements.length ? 2 : 1) || at !== place) return;
    expect(text).toBe(statements[place - 1]);
    proxy.freeze();
    child.kill('SIGKILL');
  };
  await once(child, 'exit');
}

type Engine = Awaited<ReturnType<typeof openEngine>>;

describe('a worker that is killed between two statements of a batch', () => {
  test('is succeeded without a loss, a repeat or a gap, wherever it was', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const cliniko = await startClinikoSimulator({
      patients: PATIENTS,
      apiKey: API_KEY,
      requestsPerMinute: 0,
    });
    onTestFinished(() => cliniko.close());
    const source = createClinikoClient({
      apiKey: API_KEY,
      baseUrl: cliniko.url,
      contactEmail: 'tests@example.com',
      pacer: createPacer(createMemoryBudget({ requests: 1_000_000 }, systemClock), systemClock),
      clock: systemClock,
    });
    const statements = await learnBatch(engine, await openStatementProxy(databaseUrl), cliniko);
    expect(statements[0]).toMatch(/^begin/);
    expect(statements.at(-1)).toMatch(/^commit/);
    expect(statements.some((text) => text.includes('insert into patients'))).toBe(true);

    for (let place = 1; place <= statements.length; place++) {
      await engine.sql`truncate patients, sync_logs, sync_runs, sync_seen`;
      const proxy = await openStatementProxy(databaseUrl);
      const id = await engine.start();
      const child = startWorkerProcess(proxy.url, cliniko);
      await killAt(place, statements, proxy, child);
      const [left] = await engine.sql`select records_processed, (select count(*)::int from patients) as stored
        from sync_logs`;
      expect(left?.stored).toBe(left?.records_processed);

      await engine.sql`update sync_runs set lease_expires_at = now() - interval '1 second'`;
      const successor = engine.work(source);
      const log = await engine.ended();
      await successor.stop();
      expect(log).toMatchObject({
        id,
        status: 'completed',
        records_processed: PATIENTS,
        records_success: PATIENTS,
        metadata: { attempt: 2, inserted: PATIENTS, unchanged: 0, proof: { seen: PATIENTS, proven: true } },
      });
      expect(await engine.countPatients()).toBe(PATIENTS);
      const { events } = await readTimeline(engine.sql, 123, id);
      const { events: told } = Timeline.parse(JSON.parse(`{"events":[${events.join(',')}],"trimmed":false}`));
      const seqs = told.map((event) => event.seq);
      expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
      const processed = told.map((event) => event.log?.records_processed ?? 0);
      expect(processed).toEqual([...processed].sort((a, b) => a - b));
    }
  }, 120_000);
});
