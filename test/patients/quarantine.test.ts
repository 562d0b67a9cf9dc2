import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { rotateKeys } from '../../src/encryption/rotate-keys.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import {
  readApiKey,
  SEALED_API_KEYS,
  saveApiKey,
  saveOrganization,
} from '../../src/organizations/organizations.ts';
import { SEALED_RECORDS } from '../../src/patients/quarantine.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';
import { CREDENTIALS_KEY, startTestServer } from '../support/server.ts';
import { askJson, wholeSync } from '../support/whole-sync.ts';

/** A clinic of 130 patients, the first ones without the email address that its policy requires. */
async function clinicWithout(databaseUrl: string, emails: number) {
  const server = await startTestServer(databaseUrl, { patients: 130 });
  const { people } = server.cliniko;
  const ids = [...people.ids()];
  for (const id of ids) people.override(id, { email: `p${id}@example.com` });
  for (const id of ids.slice(0, emails)) people.override(id, { email: '' });
  const policy = JSON.stringify({ validation: { email: 'require' } });
  await server.api('/organizations/123', { method: 'PUT', body: policy });
  await wholeSync(server);
  return { server, people, ids };
}

describe('a retry of the quarantine', () => {
  test('requests exactly the quarantined patients, fifty at once, and stores the corrected ones', async ({
    databaseUrl,
  }) => {
    const { server, people, ids } = await clinicWithout(databaseUrl, 60);
    for (const id of ids.slice(0, 55)) people.override(id, { email: 'mended@example.com' });
    const before = server.cliniko.requests.length;

    expect(await askJson(server, '/cliniko/quarantine/123/retry', 'POST')).toEqual({
      requested: 60,
      resolved: 55,
      remaining: 5,
    });
    expect(server.cliniko.requests.length - before).toBe(2);
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 125 });
    const { patients } = (await askJson(server, '/cliniko/quarantine/123')) as { patients: unknown[] };
    expect(patients).toHaveLength(5);
    expect(patients[0]).toMatchObject({ reason: 'MISSING_EMAIL', attempts: 2 });
  });

  test('stores archived ones too, and keeps those that Cliniko no longer has', async ({ databaseUrl }) => {
    const { server, people, ids } = await clinicWithout(databaseUrl, 2);
    const [archived = '', gone = ''] = ids;
    people.override(archived, { email: 'mended@example.com' });
    people.archive(archived);
    people.hardDelete(gone);

    expect(await askJson(server, '/cliniko/quarantine/123/retry', 'POST')).toEqual({
      requested: 2,
      resolved: 1,
      remaining: 1,
    });
  });

  test('reports why it cannot run', async ({ databaseUrl }) => {
    const { server } = await clinicWithout(databaseUrl, 1);
    server.cliniko.faults.onEvery({ kind: 'status', status: 401 });
    const retry = async (id: number) => {
      const answer = await server.api(`/cliniko/quarantine/${id}/retry`, { method: 'POST' });
      return { status: answer.status, ...(await answer.json()) };
    };

    expect(await retry(123)).toMatchObject({ status: 502, code: 'CLINIKO_FAILED' });
    expect(await retry(999)).toMatchObject({ status: 404, code: 'ORGANIZATION_NOT_FOUND' });
    await server.api('/organizations/999', { method: 'PUT', body: '{}' });
    expect(await retry(999)).toMatchObject({ status: 409, code: 'NO_CREDENTIALS' });
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    await saveApiKey(database, createSealer(randomBytes(32)), 999, 'sealed-elsewhere-au1');
    expect(await retry(999)).toMatchObject({
      status: 409,
      code: 'NO_CREDENTIALS',
      detail: expect.stringContaining('CREDENTIALS_KEY'),
    });
    // The first one asked Cliniko, and may have stored a part before it failed.
    expect(
      await database.sql`select organization_id, details from audit_log where action = 'quarantine.retry'`,
    ).toEqual([{ organization_id: 123, details: { outcome: 'failed' } }]);
  });
});

describe('a quarantined patient that Cliniko no longer has', () => {
  test('is deleted by a proven full sync, with the sealed record', async ({ databaseUrl }) => {
    const { server, people, ids } = await clinicWithout(databaseUrl, 40);
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    for (const id of ids.slice(3, 40)) people.hardDelete(id);

    const log = await wholeSync(server);
    expect(log.metadata).toMatchObject({ quarantine_removed: 37, proof: { proven: true } });
    expect(await database.sql`select record_key from quarantine order by record_key`).toEqual(
      ids.slice(0, 3).map((id) => ({ record_key: id })),
    );
  });

  test('stays while the list proves nothing, or Cliniko has no patient', async ({ databaseUrl }) => {
    const { server, people, ids } = await clinicWithout(databaseUrl, 40);
    people.hardDelete(ids[0] ?? '');
    server.cliniko.behaviour.total = 'one-too-high';
    expect((await wholeSync(server)).metadata).not.toHaveProperty('quarantine_removed');
    server.cliniko.behaviour.total = 'right';
    for (const id of ids.slice(1)) people.hardDelete(id);
    const log = await wholeSync(server);
    expect(log.metadata).toMatchObject({ missing_held: 90 });
    expect(await askJson(server, '/cliniko/quarantine/123')).toMatchObject({ total: 40 });
  });
});

describe('the quarantine of a clinic without any stored patient', () => {
  test('stays when a sync reads another clinic, and loses what its own no longer has', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    await saveOrganization(engine.database, 123, { validation: { email: 'require' } });
    const withoutEmail = (n: number) => person(n, { email: null });
    await engine.syncWith(scriptedSource([1, 2, 3].map(withoutEmail)));
    const another = await engine.syncWith(scriptedSource([...people(20).slice(10), withoutEmail(30)]));
    expect(another).toMatchObject({ records_success: 10, metadata: { proof: { proven: true } } });
    expect(another.metadata).not.toHaveProperty('quarantine_removed');
    expect(await engine.sql`select from quarantine`).toHaveLength(4);

    await engine.sql`delete from patients`;
    const own = await engine.syncWith(scriptedSource([withoutEmail(1)]));
    expect(own.metadata).toMatchObject({ quarantine_removed: 3 });
  });
});

describe('a quarantined record without an id', () => {
  test('is deleted when a full sync that covers the clinic sees only a later version of it', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const syncWith = (...others: unknown[]) => engine.syncWith(scriptedSource([...people(25), ...others]));
    const count = async () => (await engine.sql`select from quarantine`).length;
    await syncWith({ note: 'first' }, { note: 'other' });
    expect(await syncWith({ note: 'second' }, { note: 'other' })).toMatchObject({
      metadata: { proof: { proven: false }, quarantine_removed: 1 },
    });
    expect(await count()).toBe(2);
    expect(await engine.countPatients()).toBe(25);

    // A list that is shorter than its total does not cover the clinic.
    const source = scriptedSource([...people(25), { note: 'second' }]);
    await engine.syncWith({
      estimateWaitMs: source.estimateWaitMs,
      async page(query, options) {
        const page = await source.page(query, options);
        return { ...page, totalEntries: (page.totalEntries ?? 0) + 1 };
      },
    });
    expect(await count()).toBe(2);
  });

  test('stays when a sync reads another clinic, which has such records too', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const allPatients = people(50);
    await engine.syncWith(scriptedSource([...allPatients.slice(0, 25), { note: 'ours' }]));
    const log = await engine.syncWith(
      scriptedSource([...allPatients.slice(25), { note: 'of another clinic' }]),
    );
    expect(log.metadata).not.toHaveProperty('quarantine_removed');
    expect(await engine.sql`select from quarantine`).toHaveLength(2);
  });
});

describe('a new CREDENTIALS_KEY', () => {
  test('seals again what the previous key sealed, which is then no longer needed', async ({
    databaseUrl,
  }) => {
    await clinicWithout(databaseUrl, 120);
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    const key = randomBytes(32);
    const both = createSealer(key, CREDENTIALS_KEY);
    for (const sealed of [SEALED_API_KEYS, SEALED_RECORDS]) await rotateKeys(database, both, sealed);

    const alone = createSealer(key);
    expect(await readApiKey(database, alone, 123)).toMatch(/-au1$/);
    const rows = await database.sql<{ record_key: string; sealed_raw: string }[]>`
      select record_key, sealed_raw from quarantine`;
    expect(rows).toHaveLength(120);
    for (const { record_key, sealed_raw } of rows) {
      expect(JSON.parse(alone.open(sealed_raw, `quarantine:123:${record_key}`))).toMatchObject({
        id: record_key,
      });
    }
  });
});

describe('a record that fails in each sync', () => {
  test('keeps its row and its id', async ({ databaseUrl }) => {
    const { server } = await clinicWithout(databaseUrl, 4);
    await wholeSync(server);
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    expect(await database.sql`select id::int, attempts from quarantine order by id`).toEqual([
      { id: 1, attempts: 2 },
      { id: 2, attempts: 2 },
      { id: 3, attempts: 2 },
      { id: 4, attempts: 2 },
    ]);
    expect(await database.sql`select last_value::int from quarantine_id_seq`).toEqual([{ last_value: 4 }]);
  });

  test('counts one attempt per sync, although a patient moves into the next page while it is read', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    await saveOrganization(engine.database, 123, { validation: { email: 'require' } });
    const allPatients = [...people(9), person(10, { email: null }), ...people(25).slice(10)];
    for (const attempts of [1, 2]) {
      const source = scriptedSource(allPatients);
      source.onPage(2, (query, options) => scriptedSource([person(0), ...allPatients]).page(query, options));
      await engine.syncWith(source);
      expect(await engine.sql`select attempts from quarantine`).toEqual([{ attempts }]);
    }
  });

  test('can be quarantined beyond the ids that an integer holds', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    await database.sql`select setval('quarantine_id_seq', 2147483647)`;
    await clinicWithout(databaseUrl, 1);
    expect(await database.sql`select id::text from quarantine`).toEqual([{ id: '2147483648' }]);
  });
});
