/**
 * The life cycle of a run as a model: any order of starts, claims, stores, renewals, releases, expiries, ends and cancels, by
 * three workers, against a real database. The tables must match the model.
 */
import fc from 'fast-check';
import { describe, expect, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { readStoredVersions } from '../../src/patients/upsert.ts';
import { cancelRun } from '../../src/sync/cancel-run.ts';
import {
  type ClaimedRun,
  claimNextRun,
  type Lease,
  LeaseLostError,
  releaseLease,
  renewLeases,
} from '../../src/sync/lease.ts';
import { completedMetadata, runningMetadata } from '../../src/sync/metadata.ts';
import type { RunState } from '../../src/sync/run-state.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { endRunRow } from '../../src/sync/sync-log-row.ts';
import { prepareBatch } from '../../src/sync/write/prepare-batch.ts';
import { storeBatch } from '../../src/sync/write/store-batch.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { STORING } from '../support/progress-display.ts';
import { clinikoRecords, person, scriptedSource } from '../support/scripted-source.ts';

/** No command sends a request to Cliniko. */
const NOBODY = scriptedSource([]);

const ORGANIZATION = 123;
const RULES = { country: 'AU', validation: DEFAULT_SETTINGS.validation };
const WORKERS = ['ada', 'ben', 'cyd'] as const;
type WorkerName = (typeof WORKERS)[number];

type Engine = Awaited<ReturnType<typeof openEngine>>;

interface Model {
  /** Of the newest run. */
  runId: number | undefined;
  status: 'none' | 'running' | 'completed' | 'failed';
  owner: WorkerName | null;
  epoch: number;
  attempt: number;
  isExpired: boolean;
  /** Number of patients of this run, counted from the first patient. */
  processed: number;
  /** Patients that any run has stored. */
  stored: number;
}

/** The leases that the workers hold, valid or not. */
interface Real {
  engine: Engine;
  hands: Map<WorkerName, { claimed: ClaimedRun; state: RunState }>;
}

type Command = fc.AsyncCommand<Model, Real>;

const holdsIt = (model: Model, lease: Lease) =>
  model.status === 'running' &&
  lease.syncLogId === model.runId &&
  lease.owner === model.owner &&
  lease.epoch === model.epoch;

/** A write with a lost lease changes nothing: the tables are compared after every command. */
async function fenced(model: Model, lease: Lease, write: () => Promise<unknown>): Promise<boolean> {
  if (holdsIt(model, lease)) {
    await write();
    return true;
  }
  await expect(write()).rejects.toBeInstanceOf(LeaseLostError);
  return false;
}

async function agree(model: Model, { engine: { sql } }: Real): Promise<void> {
  const logs = await sql`select id, status, coalesce(records_processed, 0) as records_processed,
    coalesce(records_success, 0) as records_success, coalesce(records_failed, 0) as records_failed
    from sync_logs order by id desc limit 1`;
  const runs = await sql`select owner, lease_epoch, attempt, ended_at is not null as ended
    from sync_runs order by sync_log_id desc limit 1`;
  const [counts] = await sql`select (select count(*)::int from patients) as patients,
    (select count(*)::int from sync_logs where status = 'running') as running,
    (select count(*)::int from sync_events) as events,
    (select coalesce(max(head), 0)::int from sync_streams) as head`;
  expect(counts?.patients).toBe(model.stored);
  expect(counts?.running).toBe(model.status === 'running' ? 1 : 0);
  expect(counts?.events).toBe(counts?.head);
  if (model.status === 'none') return;
  expect(logs[0]).toEqual({
    id: model.runId,
    status: model.status,
    records_processed: model.processed,
    records_success: model.processed,
    records_failed: 0,
  });
  expect(runs[0]).toEqual({
    owner: model.owner,
    lease_epoch: model.epoch,
    attempt: model.attempt,
    ended: model.status !== 'running',
  });
}

/** @param act changes both the tables and the model */
function command(name: string, check: (model: Model) => boolean, act: Command['run']): Command {
  return {
    toString: () => name,
    check,
    async run(model, real) {
      await act(model, real);
      await agree(model, real);
    },
  };
}

const always = () => true;

const start = () =>
  command('start', always, async (model, { engine }) => {
    const { syncLogId, created } = await startRun(engine.database, ORGANIZATION, 'full_patients');
    expect(created).toBe(model.status !== 'running');
    if (!created) return expect(syncLogId).toBe(model.runId);
    Object.assign(model, { runId: syncLogId, status: 'running', owner: null, epoch: 0, attempt: 0 });
    Object.assign(model, { isExpired: false, processed: 0 });
  });

const claim = (worker: WorkerName) =>
  command(`${worker} claims`, always, async (model, { engine, hands }) => {
    const claimed = await claimNextRun(engine.database, worker);
    const isFree = model.owner === null || model.owner === worker || model.isExpired;
    expect(claimed !== undefined).toBe(model.status === 'running' && isFree);
    if (claimed === undefined) return;
    Object.assign(model, {
      owner: worker,
      epoch: model.epoch + 1,
      attempt: model.attempt + 1,
      isExpired: false,
    });
    expect(claimed).toMatchObject({ attempt: model.attempt, lease: { epoch: model.epoch } });
    expect(claimed.state.processed).toBe(model.processed);
    hands.set(worker, { claimed, state: claimed.state });
  });

const store = (worker: WorkerName, people: number) =>
  command(`${worker} stores ${people}`, always, async (model, { engine, hands }) => {
    const hand = hands.get(worker);
    if (hand === undefined) return;
    const { database } = engine;
    const from = hand.state.processed;
    const records = clinikoRecords(Array.from({ length: people }, (_, n) => person(from + n + 1)));
    const ids = records.flatMap(({ id }) => id ?? []);
    const stored = await readStoredVersions(database.sql, ORGANIZATION, ids);
    const batch = await prepareBatch({ records, newKeys: ids, position: hand.state.position }, RULES, stored);
    const { lease } = hand.claimed;
    const { sealer } = engine.deps(NOBODY);
    const base = Promise.resolve({ state: hand.state, display: STORING });
    const write = async () => {
      const deps = {
        database,
        sealer,
        lease,
        claimedState: hand.claimed.state,
        base,
        onWritten: () => {},
      };
      hand.state = await storeBatch(deps, batch);
    };
    if (!(await fenced(model, lease, write))) return;
    model.processed += people;
    model.stored = Math.max(model.stored, model.processed);
    model.isExpired = false;
  });

const renew = (worker: WorkerName) =>
  command(`${worker} renews`, always, async (model, { engine, hands }) => {
    const lease = hands.get(worker)?.claimed.lease;
    if (lease === undefined) return;
    const lost = await renewLeases(engine.database, worker, [lease]);
    expect(lost).toEqual(holdsIt(model, lease) ? [] : [lease]);
    if (model.status === 'running' && model.owner === worker && lease.syncLogId === model.runId) {
      model.isExpired = false;
    }
  });

const release = (worker: WorkerName) =>
  command(`${worker} releases`, always, async (model, { engine, hands }) => {
    const lease = hands.get(worker)?.claimed.lease;
    if (lease === undefined) return;
    await releaseLease(engine.database, lease);
    if (holdsIt(model, lease)) Object.assign(model, { owner: null, isExpired: false });
  });

const expire = () =>
  command(
    'the lease expires',
    (model) => model.status === 'running' && model.owner !== null,
    async (model, { engine }) => {
      await engine.sql`update sync_runs set lease_expires_at = clock_timestamp() - interval '1 second'
        where ended_at is null`;
      model.isExpired = true;
    },
  );

const end = (worker: WorkerName, status: 'completed' | 'failed') =>
  command(`${worker} ends it as ${status}`, always, async (model, { engine, hands }) => {
    const hand = hands.get(worker);
    if (hand === undefined) return;
    const write = () =>
      endRunRow(engine.database, hand.claimed.lease, hand.state, async () =>
        status === 'completed'
          ? { status, metadata: completedMetadata(hand.state, STORING, { durationMs: 1, unanswered: 0 }) }
          : { status, metadata: runningMetadata(hand.state, STORING), errorDetails: 'x' },
      );
    if (await fenced(model, hand.claimed.lease, write)) Object.assign(model, { status, owner: null });
  });

const cancel = () =>
  command(
    'cancel, with an owner that does not listen',
    (model) => model.status === 'running',
    async (model, { engine }) => {
      const deps = {
        ...engine.deps(NOBODY),
        bus: createMemoryBus(),
      };
      await cancelRun(deps, ORGANIZATION, model.runId ?? 0);
      await vi.waitFor(async () => expect((await engine.latest()).status).toBe('failed'), { timeout: 5_000 });
      // The former owner is fenced.
      Object.assign(model, { status: 'failed', owner: null, epoch: model.epoch + 1 });
    },
  );

const worker = fc.constantFrom(...WORKERS);
const commands = [
  fc.constant(start()),
  worker.map(claim),
  fc.tuple(worker, fc.integer({ min: 1, max: 4 })).map(([name, people]) => store(name, people)),
  fc.tuple(worker, fc.integer({ min: 1, max: 4 })).map(([name, people]) => store(name, people)),
  worker.map(renew),
  worker.map(release),
  fc.constant(expire()),
  fc.tuple(worker, fc.constantFrom('completed' as const, 'failed' as const)).map((args) => end(...args)),
  fc.constant(cancel()),
];

describe('the life cycle of a run', () => {
  test('matches its model for any order of commands', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (all) => {
        await engine.sql`truncate patients, sync_logs, sync_runs, sync_seen, sync_events, sync_streams`;
        const model: Model = {
          runId: undefined,
          status: 'none',
          owner: null,
          epoch: 0,
          attempt: 0,
          isExpired: false,
          processed: 0,
          stored: 0,
        };
        await fc.asyncModelRun(() => ({ model, real: { engine, hands: new Map() } }), all);
      }),
      { numRuns: 40 },
    );
  });
});
