/** Everything that writes patients: our server's own ways, and statements of another program. */
import fc from 'fast-check';
import type { Sql } from 'postgres';
import { expect } from 'vitest';
import { createSealer } from '../../src/encryption/sealer.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { OrganizationDeletedError } from '../../src/organizations/organization-lock.ts';
import { saveApiKey, saveOrganization } from '../../src/organizations/organizations.ts';
import { confirmMissing } from '../../src/patients/missing-patients.ts';
import { retryQuarantine } from '../../src/patients/retry-quarantine.ts';
import { interruptAndRun } from '../../src/sync/exclusive-transaction.ts';
import { startRun } from '../../src/sync/start-run.ts';
import type { openEngine } from './engine.ts';
import { rethrow } from './rethrow.ts';
import { person, scriptedSource } from './scripted-source.ts';
import { CREDENTIALS_KEY } from './server.ts';

export const ORGANIZATION = 123;
const PATIENTS = 60;
const RULES = {
  country: 'AU',
  validation: { phone: 'warn', email: 'require' },
} as const;

const WRITES = [
  'sync',
  'sync',
  'sync',
  'retry',
  'erase',
  'purge',
  'confirm',
  'delete',
  'hand',
  'hand',
] as const;

export interface Write {
  what: (typeof WRITES)[number];
  /** Which patients, or which statement by hand. */
  which: number;
}

const writes = fc.array(fc.record({ what: fc.constantFrom(...WRITES), which: fc.nat(999) }), {
  minLength: 3,
  maxLength: 7,
});
export const callers = fc.array(writes, { minLength: 3, maxLength: 4 });

/** A clinic that has other patients, in other versions, after each `change`. */
function createClinic() {
  let version = 0;
  let gone = 0;
  const current = () =>
    Array.from({ length: PATIENTS - gone }, (_, index) => {
      const n = index + 1 + gone;
      return person(n, {
        first_name: `Quokka${(n + version) % 3}`,
        last_name: 'Quokka',
        email: (n + version) % 7 === 0 ? null : `quokka${n}@example.com`,
        updated_at: `2026-01-01T00:${String(version % 60).padStart(2, '0')}:00Z`,
        archived_at: (n + version) % 5 === 0 ? '2026-01-01T00:00:00Z' : null,
        ...((n + version) % 11 === 0 && {
          merged_with_patient: {
            links: { self: `https://api.au1.cliniko.com/v1/patients/${person(n - 1).id}` },
          },
        }),
      });
    });
  return {
    source: {
      estimateWaitMs: () => 0,
      page: (...asked: Parameters<ReturnType<typeof scriptedSource>['page']>) =>
        scriptedSource(current()).page(...asked),
    },
    change(seed: number) {
      version += 1;
      gone = [0, 3, 40][seed % 3] ?? 0;
    },
  };
}

const idOf = (n: number) => String(person((n % PATIENTS) + 1).id);

/** Statements of another program. */
export const BY_HAND: ((sql: Sql, which: number) => Promise<unknown>)[] = [
  (sql, which) =>
    sql`update patients set phone = ${`+6140000${which}`} where cliniko_patient_id = ${idOf(which)}`,
  // Changes nothing.
  (sql) => sql`update patients set phone = phone`,
  (sql, which) => sql`delete from patients where cliniko_patient_id = any(${[idOf(which), idOf(which + 1)]})`,
  (
    sql,
    which,
  ) => sql`update patients set cliniko_patient_id = ${`9${which}`} where cliniko_patient_id = ${idOf(which)}
    and not exists (select from patients where cliniko_patient_id = ${`9${which}`})`,
  (
    sql,
    which,
  ) => sql`insert into patients (organization_id, cliniko_patient_id, last_name, raw, content_hash, warnings, changed_at)
    values (${ORGANIZATION}, ${`8${which}`}, 'Quokka', '{}', '', 0, ${which % 2 ? '2999-01-01' : '1999-01-01'})
    on conflict do nothing`,
  (sql, which) =>
    sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update patients set missing_since = now() where cliniko_patient_id = ${idOf(which)}`;
      await tx`savepoint s`;
      await tx`delete from patients`;
      await tx`rollback to savepoint s`;
      await tx`update patients set missing_since = null, email = 'quokka' where cliniko_patient_id = ${idOf(which)}`;
    }),
  (sql, which) => sql`update patients set archived_at = case when archived_at is null then now() end
    where cliniko_patient_id = ${idOf(which)}`,
  (sql) => sql`truncate patients`,
];

type Engine = Awaited<ReturnType<typeof openEngine>>;

function createWriter({ database, sql }: Engine, clinic: ReturnType<typeof createClinic>, foreign: Sql) {
  const sealer = createSealer(CREDENTIALS_KEY);
  const audited = {
    organizationId: ORGANIZATION,
    actor: 'test',
    action: 'patients.erase',
    details: {},
  } as const;
  const register = async () => {
    await saveOrganization(database, ORGANIZATION, { validation: { email: 'require' } });
    await saveApiKey(database, sealer, ORGANIZATION, 'a-key-au1');
  };
  return async ({ what, which }: Write): Promise<unknown> => {
    switch (what) {
      case 'sync':
        clinic.change(which);
        await register();
        await startRun(database, ORGANIZATION, 'full_patients');
        return await runsEnded(sql);
      case 'retry': {
        const deps = { database, sealer, source: clinic.source, rules: RULES };
        return await retryQuarantine(deps, ORGANIZATION, AbortSignal.timeout(60_000));
      }
      case 'erase': {
        const ids = [idOf(which), idOf(which + 1), idOf(which + 2)];
        return await eraseAndAudit(database, ORGANIZATION, { kind: 'listed', ids }, () => audited);
      }
      case 'purge':
        return await purgeMissing(database, 0, rethrow);
      case 'confirm':
        return await interruptAndRun(sql, ORGANIZATION, (tx) => confirmMissing(tx, ORGANIZATION));
      case 'delete':
        return await eraseOrganization(database, ORGANIZATION, { actor: 'test' });
      case 'hand':
        return await BY_HAND[which % BY_HAND.length]?.(foreign, which);
      default:
        return what satisfies never;
    }
  };
}

/** A first sync, then all callers at once, each its writes in order, until all runs have ended. */
export async function writeAtOnce(engine: Engine, foreign: Sql, schedule: Write[][]): Promise<void> {
  const clinic = createClinic();
  const write = createWriter(engine, clinic, foreign);
  const workers = [engine.work(clinic.source), engine.work(clinic.source)];
  await write({ what: 'sync', which: 0 });
  const calling = schedule.map(async (writes) => {
    for (const one of writes) await write(one).catch(unlessDeletedOrDeadlocked);
  });
  await Promise.all(calling);
  await runsEnded(engine.sql);
  await Promise.all(workers.map((worker) => worker.stop()));
}

export const runsEnded = (sql: Sql) =>
  expect
    .poll(() => sql`select from sync_runs where ended_at is null`, { timeout: 60_000, interval: 10 })
    .toHaveLength(0);

/**
 * Registered again by another caller: the organization may be deleted at any moment. Statements of another program lock many rows
 * in their own order: PostgreSQL ends one of two transactions that wait for each other, with all its changes.
 */
export function unlessDeletedOrDeadlocked(error: unknown): void {
  const text = String(error);
  const isExpected =
    error instanceof OrganizationDeletedError || /cliniko_credentials|deadlock detected/.test(text);
  if (!isExpected) throw error;
}
