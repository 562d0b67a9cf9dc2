/**
 * A clinic that changes while it is read, checked by an oracle that knows the final state of every patient.
 *
 * Changes are tied to requests, so that a seed produces the same changes at the same requests each time.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { ClinikoClient } from '../../src/cliniko/client.ts';
import { createPacer } from '../../src/cliniko/pacer.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { confirmMissing } from '../../src/patients/missing-patients.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { type Change, change, perform } from '../support/clinic-changes.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';

type Engine = Awaited<ReturnType<typeof openEngine>>;

/** @param apart seconds by which Cliniko's clock differs from ours */
async function openClinic(patients: number, apart = 0, latencyMs = 0): Promise<ClinikoSimulator> {
  const now = () => new Date(Date.now() + apart * 1_000);
  return await startClinikoSimulator({ patients, requestsPerMinute: 0, latencyMs, now });
}

const clientOf = (cliniko: ClinikoSimulator) =>
  new ClinikoClient({
    apiKey: cliniko.apiKey,
    baseUrl: cliniko.url,
    contactEmail: 'tests@example.com',
    pacer: createPacer(createMemoryBudget({ requests: 1_000_000 }, systemClock), systemClock),
    clock: systemClock,
  });

const syncOnce = (engine: Engine, cliniko: ClinikoSimulator) => engine.syncWith(clientOf(cliniko));

async function storedIds({ sql }: Engine, which: 'present' | 'missing'): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`select cliniko_patient_id as id from patients
    where (missing_since is not null) = ${which === 'missing'}`;
  return new Set(rows.map((row) => row.id));
}

const without = (ids: Iterable<string>, others: Set<string>) => [...ids].filter((id) => !others.has(id));

/** The changes before each of the first page requests. */
const churn = fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 30 });

describe('a clinic that changes while it is read', () => {
  // A slow Cliniko is asked for changes together with its last pages.
  test.for([
    { latencyMs: 0, numRuns: 25 },
    { latencyMs: 80, numRuns: 5 },
  ])(
    'loses no patient that existed all the time, and marks no existing patient as missing, at $latencyMs ms',
    async ({ latencyMs, numRuns }, { databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      const checkOnce = async (changes: Change[][], patients: number, apart: number): Promise<void> => {
        const cliniko = await openClinic(patients, apart, latencyMs);
        await engine.sql`truncate patients, sync_logs, sync_runs, sync_seen`;
        await syncOnce(engine, cliniko);
        const before = [...cliniko.people.ids()];
        let request = 0;
        cliniko.churn.beforeEvery((people) => {
          for (const one of changes[request] ?? []) perform(people, one);
          request += 1;
        });

        const during = await syncOnce(engine, cliniko);
        const after = new Set(cliniko.people.ids());
        expect(during.status).toBe('completed');
        const always = before.filter((id) => after.has(id));
        expect(without(always, await storedIds(engine, 'present'))).toEqual([]);

        cliniko.churn.clear();
        const quiet = await syncOnce(engine, cliniko);
        expect(quiet).toMatchObject({ records_success: after.size, metadata: { proof: { proven: true } } });
        const gone = without(await storedIds(engine, 'present'), after);
        expect(quiet.metadata.missing_held ?? 0).toBe(gone.length);
        if (gone.length > 0) await engine.sql.begin((tx) => confirmMissing(tx, 123));
        expect(without(after, await storedIds(engine, 'present'))).toEqual([]);
        expect(without(await storedIds(engine, 'present'), after)).toEqual([]);
        await cliniko.close();
      };
      const anyClinic = [
        churn,
        fc.integer({ min: 1, max: 130 }),
        fc.constantFrom(0, -4, -60, -7_200, 60),
      ] as const;
      // The only patient is deleted after its page, with the one that was added before it.
      const emptied: Change[][] = [
        [],
        [{ what: 'add', which: 0 }],
        [],
        [{ what: 'hardDelete', which: 0 }],
        [{ what: 'hardDelete', which: 0 }],
      ];
      const examples: [Change[][], number, number][] = [[emptied, 1, -7_200]];
      await fc.assert(fc.asyncProperty(...anyClinic, checkOnce), { numRuns, examples });
    },
  );

  test('with 130 of 648 deleted during the scan: 0 missed, and none marked before a person confirms it', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const cliniko = await openClinic(648);
    await syncOnce(engine, cliniko);
    cliniko.churn.afterPage(3, (people) => {
      for (const id of [...people.ids()].slice(0, 130)) people.hardDelete(id);
    });

    const log = await syncOnce(engine, cliniko);
    expect(log.metadata.proof).toMatchObject({ proven: true, seen: 518, total_at_end: 518 });
    expect(log.metadata.proof?.repairs).toBeGreaterThan(0);
    expect(without(cliniko.people.ids(), await storedIds(engine, 'present'))).toEqual([]);

    const held = await syncOnce(engine, cliniko);
    expect(held.metadata.missing_held).toBe(130);
    expect((await storedIds(engine, 'missing')).size).toBe(0);
    await cliniko.close();
  });
});

describe('an empty response', () => {
  for (const patients of [5, 648]) {
    test(`never empties a clinic of ${patients}`, async ({ databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      const cliniko = await openClinic(patients);
      await syncOnce(engine, cliniko);
      const empty = await openClinic(0);

      expect(await syncOnce(engine, empty)).toMatchObject({
        status: 'completed',
        records_processed: 0,
        metadata: { missing_held: patients },
      });
      expect((await storedIds(engine, 'present')).size).toBe(patients);
      await Promise.all([cliniko.close(), empty.close()]);
    });
  }
});
