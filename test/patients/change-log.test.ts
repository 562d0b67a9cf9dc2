/** What the triggers on `patients` log for a change, and `changed_at`. */
import type { ISql } from 'postgres';
import { describe, expect } from 'vitest';
import { followChanges } from '../../src/patients/follow-changes.ts';
import { connectInTest, test } from '../support/database.ts';

/** One patient, its log, and what was logged since the last look. */
async function openLog(databaseUrl: string) {
  const sql = connectInTest(databaseUrl);
  let since: string | undefined;
  const logged = async (): Promise<string[]> => {
    const { changes, next } = await followChanges(sql, 1, { since: since ?? 'all', limit: 1_000 });
    since = next;
    const found = changes.map(({ kind, cliniko_patient_id: id }) => `${kind} ${id}`);
    return found.length < 1_000 ? found : [...found, ...(await logged())];
  };
  const store = (id: string) => sql`
    insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings) values (1, ${id}, '{}', '', 0)`;
  await store('7');
  await logged();
  const changedAt = async (id = '7') =>
    (
      await sql<
        { at: string }[]
      >`select changed_at::text as at from patients where cliniko_patient_id = ${id}`
    )[0]?.at;
  return { sql, logged, store, changedAt };
}

describe('the kind of a change', () => {
  test('tells what happened to the patient', async ({ databaseUrl }) => {
    const { sql, logged, store } = await openLog(databaseUrl);
    const kindsOf = async (change: string) => {
      await sql.unsafe(change);
      return await logged();
    };
    expect(await kindsOf(`update patients set first_name = 'x'`)).toEqual(['updated 7']);
    expect(await kindsOf(`update patients set archived_at = now(), first_name = 'y'`)).toEqual([
      'archived 7',
    ]);
    expect(await kindsOf('update patients set archived_at = null')).toEqual(['unarchived 7']);
    expect(await kindsOf('update patients set held_since = now()')).toEqual(['updated 7']);
    expect(await kindsOf('update patients set missing_since = now(), held_since = null')).toEqual([
      'missing 7',
    ]);
    expect(await kindsOf('update patients set missing_since = null')).toEqual(['returned 7']);
    expect(await kindsOf(`update patients set merged_into = '8'`)).toEqual(['merged 7']);
    expect(await kindsOf(`update patients set merged_into = '9'`)).toEqual(['merged 7']);
    expect(await kindsOf(`update patients set first_name = 'z'`)).toEqual(['updated 7']);
    expect(await kindsOf(`update patients set cliniko_patient_id = '70'`)).toEqual([
      'erased 7',
      'created 70',
    ]);
    for (const id of ['8', '9']) await store(id);
    expect(await logged()).toEqual(['created 8', 'created 9']);
    expect(await kindsOf('update patients set organization_id = 2 where cliniko_patient_id = $$9$$')).toEqual(
      ['erased 9'],
    );
    expect(await kindsOf('delete from patients where cliniko_patient_id = $$8$$')).toEqual(['erased 8']);
    expect(await kindsOf('truncate patients')).toEqual(['erased 70']);
    // Of a program that bypasses triggers too.
    await sql`set session_replication_role = replica`;
    await store('7');
    expect(await logged()).toEqual(['created 7']);
    expect(await kindsOf(`update patients set first_name = 'x'`)).toEqual(['updated 7']);
    expect(await kindsOf('delete from patients where cliniko_patient_id = $$7$$')).toEqual(['erased 7']);
    await store('8');
    expect(await logged()).toEqual(['created 8']);
    expect(await kindsOf('truncate patients')).toEqual(['erased 8']);
    expect(await sql`select from patient_changes_pending`).toEqual([]);
  });

  test('and its run are logged in the transaction of a run only, and also when it is numbered before its end', async ({
    databaseUrl,
  }) => {
    const { sql, store } = await openLog(databaseUrl);
    await sql.begin(async (tx) => {
      await tx`select set_config('patient_sync.run', '17', true)`;
      await tx`update patients set first_name = 'x', changed_at = '2000-01-01'`;
      await tx`set constraints all immediate`;
      await tx`update patients set first_name = 'y'`;
    });
    await store('8');
    const rows =
      await sql`select kinds, sync_log_id from patient_changes where organization_id = 1 order by seq`;
    expect(rows).toEqual([
      { kinds: ['created'], sync_log_id: null },
      { kinds: ['updated'], sync_log_id: 17 },
      { kinds: ['updated'], sync_log_id: 17 },
      { kinds: ['created'], sync_log_id: null },
    ]);
  });

  test('is logged for each column, and not at all when nothing changes', async ({ databaseUrl }) => {
    const { sql, logged, changedAt } = await openLog(databaseUrl);
    const VALUES: Record<string, string> = {
      text: `'x'`,
      date: `'2000-01-01'`,
      'timestamp with time zone': `'2000-01-01'`,
      jsonb: `'{"a": 1}'`,
      bytea: `'\\x01'`,
      smallint: '3',
      integer: '1',
    };
    const columns = await sql<{ name: string; type: string }[]>`
      select column_name as name, data_type as type from information_schema.columns
      where table_name = 'patients' and is_generated = 'NEVER' and is_identity = 'NO'
        and column_name not in ('organization_id', 'cliniko_patient_id', 'changed_at')`;
    expect(columns.length).toBeGreaterThan(14);
    for (const { name, type } of columns) {
      const before = await changedAt();
      await sql.unsafe(`update patients set ${name} = ${VALUES[type]}`);
      expect(await logged(), name).toHaveLength(1);
      const after = await changedAt();
      expect(after, name).not.toBe(before);
      await sql.unsafe(`update patients set ${name} = ${name}`);
      expect(await logged(), name).toEqual([]);
      expect(await changedAt(), name).toBe(after);
    }
  });
});

/** Stores patients with these times, in seconds before now, in one statement. */
async function storeAt(sql: ISql, organization: number, ages: Record<string, number>): Promise<void> {
  await sql`
    insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, changed_at)
    select ${organization}, id, '{}', '', 0, now() - age * interval '1 s'
    from unnest(${Object.keys(ages)}::text[], ${Object.values(ages)}::int[]) as wanted (id, age)`;
}

/** The patients in the order of their last changes, which is that of their times; none has the time of another. */
async function orderOf(sql: ISql, organization: number): Promise<string[]> {
  const idsOf = async (rows: PromiseLike<{ id: string }[]>) => (await rows).map(({ id }) => id);
  const logged = await idsOf(sql<{ id: string }[]>`
    select id from patient_changes cross join unnest(cliniko_patient_ids) with ordinality as listed (id, place)
    where organization_id = ${organization} group by id order by max(array[seq, place])`);
  const [times] = await sql`select count(distinct changed_at)::int as count from patients
    where organization_id = ${organization}`;
  expect(times?.count).toBe(logged.length);
  expect(
    await idsOf(sql<{ id: string }[]>`
      select cliniko_patient_id as id from patients where organization_id = ${organization} order by changed_at`),
  ).toEqual(logged);
  return logged;
}

describe('changed_at', () => {
  test('is later than all that is committed, whatever times a program writes', async ({ databaseUrl }) => {
    const { sql, changedAt } = await openLog(databaseUrl);
    const isPast = async () =>
      await sql`select from patients where changed_at > clock_timestamp()`.then((rows) => rows.length === 0);
    const seven = await changedAt();
    // Of one statement: in any order, and later than another one has committed.
    await storeAt(sql, 2, { 1: 10, 2: 20, 3: 15 });
    expect(await orderOf(sql, 2)).toEqual(['2', '3', '1']);
    await storeAt(sql, 2, { 4: 12 });
    expect(await orderOf(sql, 2)).toEqual(['2', '3', '1', '4']);
    // Equal ones.
    await storeAt(sql, 3, { 1: 20, 2: 20 });
    expect(await orderOf(sql, 3)).toHaveLength(2);
    await storeAt(sql, 4, { 1: 20, 2: 19 });
    await sql`update patients set first_name = 'x', changed_at = now() - interval '10 s' where organization_id = 4`;
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, changed_at)
      select 4, '3', '{}', '', 0, changed_at from patient_change_streams where organization_id = 4`;
    expect(await orderOf(sql, 4)).toHaveLength(3);
    // Of two statements of one transaction.
    await sql.begin(async (tx) => {
      await storeAt(tx, 5, { 1: 10 });
      await storeAt(tx, 5, { 2: 10 });
    });
    expect(await orderOf(sql, 5)).toEqual(['1', '2']);
    await sql.begin(async (tx) => {
      await storeAt(tx, 6, { 1: 10 });
      await storeAt(tx, 6, { 2: 20 });
    });
    await storeAt(sql, 6, { 3: 15 });
    expect(
      await sql`select cliniko_patient_id as id from patients where organization_id = 6 order by changed_at`,
    ).toEqual([{ id: '2' }, { id: '1' }, { id: '3' }]);
    // In the future; the patient of another organization with the same id keeps its time.
    await storeAt(sql, 7, { 7: -3_600, 8: -7_200 });
    expect(await orderOf(sql, 7)).toEqual(['7', '8']);
    expect(await isPast()).toBe(true);
    expect(await sql`select changed_at::text as at from patients where organization_id = 1`).toEqual([
      { at: seven },
    ]);
    // The clock was ahead when the last change was committed.
    await storeAt(sql, 8, { 1: 0 });
    await sql`update patient_change_streams set changed_at = now() + interval '1 hour' where organization_id = 8`;
    await storeAt(sql, 8, { 2: 0 });
    expect(
      await sql`select cliniko_patient_id as id from patients where organization_id = 8 and changed_at > now() + interval '59 minutes'`,
    ).toEqual([{ id: '2' }]);
  });

  test('is later than all that is committed, when an earlier statement commits last', async ({
    databaseUrl,
  }) => {
    const { sql, store, changedAt, logged } = await openLog(databaseUrl);
    const other = connectInTest(databaseUrl);
    await sql.begin(async (tx) => {
      await tx`update patients set first_name = 'x' where cliniko_patient_id = '7'`;
      await other`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
        values (1, '8', '{}', '', 0)`;
    });
    expect(String(await changedAt('7')) > String(await changedAt('8'))).toBe(true);
    expect(await logged()).toEqual(['created 8', 'updated 7']);
    // A time of another program, in the future, and twice the same.
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, changed_at)
      select 1, n::text, '{}', '', 0, '2999-01-01' from generate_series(20, 22) as n`;
    await store('30');
    const rows = await sql<{ id: string }[]>`
      select cliniko_patient_id as id from patients where changed_at <= clock_timestamp() order by changed_at`;
    expect(rows.map(({ id }) => id)).toEqual(['8', '7', '20', '21', '22', '30']);
  });

  test('has other values for all rows of a statement that inserts and updates, of any size', async ({
    databaseUrl,
  }) => {
    const { sql, logged } = await openLog(databaseUrl);
    const upsert = (from: number, to: number) => sql`
      insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
      select 1, n::text, '{}', '', 0 from generate_series(${from}::int, ${to}::int) as n
      on conflict (organization_id, cliniko_patient_id) do update set first_name = 'x', changed_at = clock_timestamp()`;
    await upsert(100, 1_600);
    await upsert(850, 2_350);
    const [count] =
      await sql`select count(distinct changed_at)::int as times, count(*)::int as rows from patients`;
    expect(count).toEqual({ times: 2_252, rows: 2_252 });
    expect(await logged()).toHaveLength(3_002);
    await sql`update patients set last_name = 'y'`;
    await sql`delete from patients`;
    const kinds = (await logged()).map((change) => change.split(' ')[0]);
    expect(kinds).toEqual([...Array(2_252).fill('updated'), ...Array(2_252).fill('erased')]);
  });
});

describe('transactions that commit at once', () => {
  test('number their changes one after the other, also the first ones of an organization', async ({
    databaseUrl,
  }) => {
    const { sql } = await openLog(databaseUrl);
    const writers = Array.from({ length: 3 }, () => connectInTest(databaseUrl));
    const waiting = async () =>
      (
        await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      ).length;
    for (const round of ['1', '2']) {
      const holder = connectInTest(databaseUrl);
      await holder`begin`;
      await holder`insert into patient_change_streams (organization_id, head, changed_at, writer, settled_at)
        values (2, 0, '-infinity', pg_current_xact_id(), '-infinity')
        on conflict (organization_id) do update set head = patient_change_streams.head`;
      const writing = writers.map((writer, index) => storeAt(writer, 2, { [`${round}${index}`]: 1 }));
      await expect.poll(waiting).toBe(writers.length);
      await holder`commit`;
      await Promise.all(writing);
    }
    const rows = await sql`select seq from patient_changes where organization_id = 2 order by seq`;
    expect(rows.map(({ seq }) => Number(seq))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await orderOf(sql, 2)).toHaveLength(6);
  });
});
