/** An erasure during a sync of the same organization: patients that were read before it are not written after it. */
import { describe, expect } from 'vitest';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { OrganizationDeletedError } from '../../src/organizations/organization-lock.ts';
import { confirmMissing } from '../../src/patients/missing-patients.ts';
import { retryQuarantine } from '../../src/patients/retry-quarantine.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { rethrow } from '../support/rethrow.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';

const RULES = { country: 'AU', validation: DEFAULT_SETTINGS.validation };

type Engine = Awaited<ReturnType<typeof openEngine>>;

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

async function quarantine({ sql }: Engine, id: string): Promise<void> {
  await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
    values (123, ${id}, ${id}, 'INVALID_PHONE', 'sealed')`;
}

describe('patients that are erased during a sync', () => {
  test('are not stored from a page that was read before', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const allPatients = people(40);
    const id = String(allPatients[25]?.id);
    const erased = gate();
    const withoutOne = scriptedSource(allPatients.filter((record) => record.id !== id));
    const whole = scriptedSource(allPatients);
    let read = false;
    const source: PatientSource = {
      ...whole,
      async page(query, options) {
        if (read) return await withoutOne.page(query, options);
        const page = await whole.page(query, options);
        if (!query.sort.startsWith('created_at') || query.page !== 3) return page;
        read = true;
        await erased.opened;
        return page;
      },
    };
    const worker = engine.work(source);
    await engine.start();
    await expect.poll(() => read && engine.countPatients()).toBe(20);
    await eraseAndAudit(engine.database, 123, { kind: 'listed', ids: [id] }, () => undefined);
    erased.open();

    expect(await engine.ended()).toMatchObject({ status: 'completed' });
    await worker.stop();
    expect(await engine.sql`select from patients where cliniko_patient_id = ${id}`).toHaveLength(0);
    expect(await engine.countPatients()).toBe(39);
  });

  test.for(['organization', 'patient'] as const)(
    'are not stored by a quarantine retry that had asked for them before (%s erased)',
    async (what, { databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      const id = String(person(1).id);
      await quarantine(engine, id);
      const [asked, erased] = [gate(), gate()];
      const source: PatientSource = {
        ...scriptedSource(people(3)),
        async page(query, options) {
          const page = await scriptedSource(people(3)).page(query, options);
          asked.open();
          await erased.opened;
          return page;
        },
      };
      const deps = { database: engine.database, sealer: createSealer(CREDENTIALS_KEY), source, rules: RULES };
      const retried = retryQuarantine(deps, 123, AbortSignal.timeout(20_000));
      retried.catch(() => {});
      await asked.opened;
      if (what === 'organization') await eraseOrganization(engine.database, 123, { actor: 'test' });
      else await eraseAndAudit(engine.database, 123, { kind: 'listed', ids: [id] }, () => undefined);
      erased.open();

      if (what === 'organization') await expect(retried).rejects.toBeInstanceOf(OrganizationDeletedError);
      else expect(await retried).toMatchObject({ resolved: 0, remaining: 0 });
      expect(await engine.countPatients()).toBe(0);
    },
  );

  test('start no run of a deleted organization', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await eraseOrganization(engine.database, 123, { actor: 'test' });
    await expect(startRun(engine.database, 123, 'full_patients')).rejects.toBeInstanceOf(
      OrganizationDeletedError,
    );
    expect(await engine.sql`select from sync_logs`).toHaveLength(0);
  });

  test('a run whose organization was deleted by hand fails with that reason', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.start();
    await engine.sql`delete from organizations`;
    const worker = engine.work(scriptedSource(people(20)));
    expect(await engine.ended()).toMatchObject({
      status: 'failed',
      error_details: expect.stringContaining('its organization was deleted'),
    });
    await worker.stop();
    expect(await engine.countPatients()).toBe(0);
  });
});

describe('the purge', () => {
  test('counts its days from the confirmation of held patients', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.syncWith(scriptedSource(people(5)));
    await engine.sql`update patients set held_since = now() - interval '40 days'`;
    expect(await engine.sql.begin((tx) => confirmMissing(tx, 123))).toBe(5);

    expect(await purgeMissing(engine.database, 30, rethrow)).toBe(0);
    await engine.sql`update patients set missing_since = missing_since - interval '31 days'`;
    expect(await purgeMissing(engine.database, 30, rethrow)).toBe(5);
  });
});
