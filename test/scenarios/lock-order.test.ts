/**
 * Everything that writes an organization's rows, concurrently: no deadlock, no patient without an organization, no erased patient
 * that reappears without having been fetched again.
 *
 * `LOCK_ORDER_ROUNDS=200` runs more rounds. The number of operations is bounded, not the time.
 */
import fc from 'fast-check';
import type { Sql } from 'postgres';
import { describe, expect, inject } from 'vitest';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { ProblemError } from '../../src/http/problem.ts';
import { OrganizationDeletedError } from '../../src/organizations/organization-lock.ts';
import { saveApiKey, saveOrganization } from '../../src/organizations/organizations.ts';
import { confirmMissing } from '../../src/patients/missing-patients.ts';
import { retryQuarantine } from '../../src/patients/retry-quarantine.ts';
import { cancelRun } from '../../src/sync/cancel-run.ts';
import { interruptAndRun } from '../../src/sync/exclusive-transaction.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { createTestDatabase, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { connectPostgres } from '../support/postgres.ts';
import { rethrow } from '../support/rethrow.ts';
import { person, scriptedSource } from '../support/scripted-source.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';

const ROUNDS = Number(process.env.LOCK_ORDER_ROUNDS ?? 6);
const ORGANIZATION = 123;
const PATIENTS = 60;
const RULES = { country: 'AU', validation: { ...DEFAULT_SETTINGS.validation, email: 'require' } } as const;
const AUDITED = {
  organizationId: ORGANIZATION,
  actor: 'test',
  action: 'patients.erase',
  details: {},
} as const;

/** The operations of one caller, in sequence. */
type Action =
  | { kind: 'start'; gone: number }
  | { kind: 'erase'; from: number; count: number }
  | { kind: 'cancel' | 'purge' | 'retry' | 'confirm' | 'delete' | 'foreign' };

const starts = fc.record({ kind: fc.constant('start' as const), gone: fc.constantFrom(0, 0, 5, 40) });
const erasures = fc.record({
  kind: fc.constant('erase' as const),
  from: fc.nat(PATIENTS - 1),
  count: fc.integer({ min: 1, max: 20 }),
});
const plain = (kind: Exclude<Action['kind'], 'start' | 'erase'>) => fc.constant<Action>({ kind });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: starts },
  { weight: 4, arbitrary: erasures },
  { weight: 1, arbitrary: plain('cancel') },
  { weight: 1, arbitrary: plain('purge') },
  { weight: 3, arbitrary: plain('retry') },
  { weight: 2, arbitrary: plain('confirm') },
  { weight: 1, arbitrary: plain('delete') },
  { weight: 2, arbitrary: plain('foreign') },
);
/** Concurrent callers. */
const schedules = fc.array(fc.array(action, { minLength: 4, maxLength: 8 }), { minLength: 4, maxLength: 6 });

/** A clinic whose patients change with each sync, with the requests that it received. */
function createClinic() {
  let version = 0;
  let gone = 0;
  let tick = 0;
  const fetched = new Map<string, number>();
  const current = () =>
    Array.from({ length: PATIENTS - gone }, (_, index) =>
      person(index + 1 + gone, {
        first_name: `Version${version}`,
        updated_at: `2026-01-01T00:00:${String(version % 60).padStart(2, '0')}Z`,
        // Rejected in two of three versions: they enter quarantine and leave it.
        ...(index % 6 === 0 && version % 3 > 0 && { email: null }),
      }),
    );
  const source: PatientSource = {
    estimateWaitMs: () => 0,
    async page(query, options) {
      const page = await scriptedSource(current()).page(query, options);
      for (const record of page.records) fetched.set(String(Object(record).id), ++tick);
      return page;
    },
  };
  return {
    source,
    idOf: (index: number) => String(person((index % PATIENTS) + 1).id),
    change(absent: number) {
      version += 1;
      gone = absent;
    },
    now: () => ++tick,
    fetchedAt: (id: string) => fetched.get(id) ?? 0,
  };
}

type Engine = Awaited<ReturnType<typeof openEngine>>;
type Clinic = ReturnType<typeof createClinic>;

function createCaller({ database, sql, deps }: Engine, clinic: Clinic, erased: Map<string, number>) {
  const sealer = createSealer(CREDENTIALS_KEY);
  const bus = createMemoryBus();
  const { logger } = deps(clinic.source);
  const erasing = (ids: readonly string[]) => {
    const before = clinic.now();
    for (const id of ids) erased.set(id, before);
  };
  const register = async () => {
    await saveOrganization(database, ORGANIZATION, { validation: { email: 'require' } });
    await saveApiKey(database, sealer, ORGANIZATION, 'a-key-au1').catch(unlessDeleted);
  };
  return async (asked: Action): Promise<unknown> => {
    switch (asked.kind) {
      case 'start':
        clinic.change(asked.gone);
        await register();
        return await startRun(database, ORGANIZATION, 'full_patients').catch(unlessDeleted);
      case 'erase': {
        const ids = Array.from({ length: asked.count }, (_, n) => clinic.idOf(asked.from + n));
        erasing(ids);
        return await eraseAndAudit(database, ORGANIZATION, { kind: 'listed', ids }, () => AUDITED);
      }
      case 'delete':
        erasing(Array.from({ length: PATIENTS }, (_, n) => clinic.idOf(n)));
        return await eraseOrganization(database, ORGANIZATION, { actor: 'test' });
      case 'cancel': {
        const [run] = await sql<{ id: number }[]>`select id from sync_logs where status = 'running'`;
        const cancelled = run && cancelRun({ database, bus, logger }, ORGANIZATION, run.id);
        return await cancelled?.catch(unlessProblem);
      }
      case 'purge':
        return await purgeMissing(database, 0, rethrow);
      case 'confirm':
        return await interruptAndRun(database.sql, ORGANIZATION, (tx) => confirmMissing(tx, ORGANIZATION));
      case 'retry': {
        const deps = { database, sealer, source: clinic.source, rules: RULES };
        return await retryQuarantine(deps, ORGANIZATION, AbortSignal.timeout(60_000)).catch(unlessDeleted);
      }
      case 'foreign':
        return await writeAsForeignProgram(sql);
      default:
        return asked satisfies never;
    }
  };
}

function unlessDeleted(error: unknown): void {
  if (!(error instanceof OrganizationDeletedError)) throw error;
}

function unlessProblem(error: unknown): void {
  if (!(error instanceof ProblemError)) throw error;
}

async function writeAsForeignProgram(sql: Sql): Promise<void> {
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    values (${ORGANIZATION}, 'by_hand', 'completed', now() at time zone 'utc', now() at time zone 'utc')`;
  await sql`update sync_logs set records_processed = 7 where id = (select max(id) from sync_logs where status <> 'running')`;
  await sql`update patients set phone = '+61400000000' where id = (select min(id) from patients)`;
  await sql`delete from sync_logs where operation_type = 'by_hand'
    and id = (select min(id) from sync_logs where operation_type = 'by_hand')`;
}

/** Ends the remaining run, so that nothing is written after the tables are checked. */
async function settle(engine: Engine): Promise<void> {
  await expect
    .poll(() => engine.sql`select from sync_runs where ended_at is null`, { timeout: 60_000, interval: 20 })
    .toHaveLength(0);
}

async function expectNoOrphan(sql: Sql): Promise<void> {
  for (const table of ['patients', 'quarantine']) {
    const orphans =
      await sql`select from ${sql(table)} where organization_id not in (select id from organizations)`;
    expect({ table, orphans: orphans.length }).toEqual({ table, orphans: 0 });
  }
}

async function expectNoLostErasure(sql: Sql, clinic: Clinic, erased: Map<string, number>): Promise<void> {
  const here = await sql<{ id: string }[]>`select cliniko_patient_id as id from patients
    union select record_key from quarantine`;
  const named = await sql<{ id: string }[]>`
    select substring(line from '^Patient ID ([0-9]+):') as id
    from sync_logs, jsonb_array_elements_text(coalesce(metadata -> 'errors', '[]')) as line`;
  const isLost = ({ id }: { id: string }) => clinic.fetchedAt(id) < (erased.get(id) ?? 0);
  expect({ stored: here.filter(isLost), named: named.filter(isLost) }).toEqual({ stored: [], named: [] });
}

/** Postgres publishes a session's deadlock count when the session ends. */
async function countDeadlocks(url: string): Promise<number> {
  const name = new URL(url).pathname.slice(1);
  const admin = connectPostgres(inject('databaseAdminUrl'));
  try {
    await expect
      .poll(() => admin`select from pg_stat_activity where datname = ${name}`, { timeout: 10_000 })
      .toHaveLength(0);
    const [row] = await admin<{ deadlocks: number }[]>`
      select deadlocks::int from pg_stat_database where datname = ${name}`;
    return row?.deadlocks ?? 0;
  } finally {
    await admin.end();
  }
}

async function playSchedule(schedule: Action[][]): Promise<void> {
  const { url, drop } = await createTestDatabase();
  try {
    const engine = await openEngine(url);
    const clinic = createClinic();
    const erased = new Map<string, number>();
    const workers = [engine.work(clinic.source), engine.work(clinic.source)];
    const call = createCaller(engine, clinic, erased);
    await call({ kind: 'start', gone: 0 });
    const callers = schedule.map(async (actions) => {
      for (const one of actions) await call(one);
    });
    const results = await Promise.allSettled(callers);
    await settle(engine);
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))).toEqual([]);
    await expectNoOrphan(engine.sql);
    await expectNoLostErasure(engine.sql, clinic, erased);
    await engine.database.close();
    expect(await countDeadlocks(url)).toBe(0);
  } finally {
    await drop();
  }
}

describe('concurrent writes', () => {
  test(`never deadlock, leave no orphan and undo no erasure (${ROUNDS} schedules)`, async () => {
    await fc.assert(fc.asyncProperty(schedules, playSchedule), { numRuns: ROUNDS, endOnFailure: true });
  }, 0);
});
