/**
 * A worker that is killed (SIGKILL) after each statement of a batch's transaction, including the commit whose response it
 * never receives. The next worker finds either the whole batch or nothing of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished } from 'vitest';
import { Timeline } from '#contract/stream-event.ts';
import { ClinikoClient } from '../../src/cliniko/client.ts';
import { createPacer } from '../../src/cliniko/pacer.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';
import {
  openStatementProxy,
  type PassingStatement,
  type StatementProxy,
} from '../support/statement-proxy.ts';
import { readTimeline } from '../support/timeline.ts';

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

/** The statements of a batch's transaction, from an undisturbed run. */
async function recordStatements(
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

/** Resolves when the worker was killed, right after this statement of its second batch was forwarded. */
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

function openClinic() {
  return startClinikoSimulator({ patients: PATIENTS, apiKey: API_KEY, requestsPerMinute: 0 });
}

function sourceOf(cliniko: ClinikoSimulator): PatientSource {
  return new ClinikoClient({
    apiKey: API_KEY,
    baseUrl: cliniko.url,
    contactEmail: 'tests@example.com',
    pacer: createPacer(createMemoryBudget({ requests: 1_000_000 }, systemClock), systemClock),
    clock: systemClock,
  });
}

/** Another worker takes the run over at once. @returns how it ends, and the published counts in event order */
async function succeed(engine: Engine, source: PatientSource, id: number) {
  await engine.sql`update sync_runs set lease_expires_at = now() - interval '1 second' where ended_at is null`;
  const successor = engine.work(source);
  const log = await engine.ended();
  await successor.stop();
  const { events } = await readTimeline(engine.sql, 123, id);
  const { events: logged } = Timeline.parse(JSON.parse(`{"events":[${events.join(',')}],"trimmed":false}`));
  const processed = logged.map((event) => event.log?.records_processed ?? 0);
  return { log, seqs: logged.map((event) => event.seq), processed };
}

const noGaps = (seqs: readonly number[]) => seqs.map((_, index) => (seqs[0] ?? 0) + index);

describe('a worker that is killed between two statements of a batch', () => {
  test('is replaced without lost, repeated or skipped patients, after any statement', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const cliniko = await openClinic();
    onTestFinished(() => cliniko.close());
    const statements = await recordStatements(engine, await openStatementProxy(databaseUrl), cliniko);
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

      const { log, seqs, processed } = await succeed(engine, sourceOf(cliniko), id);
      expect(log).toMatchObject({
        id,
        status: 'completed',
        records_processed: PATIENTS,
        records_success: PATIENTS,
        metadata: { attempt: 2, inserted: PATIENTS, unchanged: 0, proof: { seen: PATIENTS, proven: true } },
      });
      expect(await engine.countPatients()).toBe(PATIENTS);
      expect(seqs).toEqual(noGaps(seqs));
      expect(processed).toEqual([...processed].sort((a, b) => a - b));
    }
  });

  test('is replaced in the same way when all patients are unchanged and a batch is one statement', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const cliniko = await openClinic();
    onTestFinished(() => cliniko.close());
    await engine.syncWith(sourceOf(cliniko));
    const proxy = await openStatementProxy(databaseUrl);
    const id = await engine.start();
    const child = startWorkerProcess(proxy.url, cliniko);
    let batches = 0;
    const around: number[] = [];
    proxy.onStatement = ({ text, transaction }) => {
      if (!text.includes('insert into sync_seen')) return;
      around.push(transaction.length);
      if (++batches < 3) return;
      proxy.freeze();
      child.kill('SIGKILL');
    };
    await once(child, 'exit');

    const [left] = await engine.sql`
      select records_processed as shown, (checkpoint->>'processed')::int as kept,
        (select sum(cardinality(cliniko_patient_ids))::int from sync_seen where sync_log_id = ${id}) as seen
      from sync_logs join sync_runs on sync_log_id = sync_logs.id where sync_logs.id = ${id}`;
    expect([left?.kept, left?.seen]).toEqual([left?.shown, left?.shown]);
    expect(left?.shown).toBeGreaterThan(0);
    expect(around).toEqual([1, 1, 1]);

    const { log, seqs, processed } = await succeed(engine, sourceOf(cliniko), id);
    expect(log).toMatchObject({
      id,
      status: 'completed',
      records_processed: PATIENTS,
      metadata: { attempt: 2, inserted: 0, unchanged: PATIENTS, proof: { seen: PATIENTS, proven: true } },
    });
    expect(seqs).toEqual(noGaps(seqs));
    expect(processed).toEqual([...processed].sort((a, b) => a - b));
  });
});
