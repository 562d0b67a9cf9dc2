/** A Cliniko that refuses a request which its documentation allows: the sync completes without it, and proves what is certain. */
import { describe, expect } from 'vitest';
import { ClinikoError } from '../../src/cliniko/error.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

const refuse = (status: number) => {
  throw new ClinikoError({ kind: 'unreadable', status });
};

describe('a Cliniko that refuses a list of ids', () => {
  const idsOf = (filters: readonly string[]) =>
    filters
      .find((filter) => filter.startsWith('id:='))
      ?.slice('id:='.length)
      .split(',') ?? [];

  test('because it is long is asked for its parts', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const everyPatient = people(330);
    await engine.syncWith(scriptedSource(everyPatient));
    const now = scriptedSource(everyPatient.slice(10));
    const log = await engine.syncWith({
      ...now,
      page: async (query, options) =>
        idsOf(query.filters).length > 4 ? refuse(400) : await now.page(query, options),
    });
    expect(log).toMatchObject({
      status: 'completed',
      metadata: { proof: { proven: true }, missing_marked: 10 },
    });
  });

  test('because of one that it cannot have proves that the others are absent', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const everyPatient = people(330);
    await engine.syncWith(scriptedSource(everyPatient));
    await engine.sql`update patients set cliniko_patient_id = 'TEST-1' where cliniko_patient_id = ${String(everyPatient[0]?.id)}`;
    const now = scriptedSource(everyPatient.slice(10));
    const log = await engine.syncWith({
      ...now,
      page: async (query, options) =>
        idsOf(query.filters).includes('TEST-1') ? refuse(400) : await now.page(query, options),
    });
    expect(log).toMatchObject({
      status: 'completed',
      metadata: { proof: { proven: false }, missing_marked: 9 },
    });
  });
});

describe('a Cliniko that refuses pages', () => {
  test.for([
    { patients: 400, refused: 'the page after the last one', from: 5 },
    { patients: 650, refused: 'pages behind a limit', from: 4 },
  ])('such as $refused is synced completely', async ({ patients, from }, { databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const whole = scriptedSource(people(patients));
    const log = await engine.syncWith({
      ...whole,
      page: async (query, options) => {
        return query.page >= from ? refuse(422) : await whole.page(query, options);
      },
    });
    expect(log).toMatchObject({
      status: 'completed',
      records_success: patients,
      metadata: { proof: { proven: true, seen: patients } },
    });
  });
});
