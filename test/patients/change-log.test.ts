/** What the triggers on `patients` log for a change, and `changed_at`. */
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
    expect(await kindsOf(`update patients set cliniko_patient_id = '70'`)).toEqual([
      'erased 7',
      'created 70',
    ]);
    await store('8');
    expect(await logged()).toEqual(['created 8']);
    expect(await kindsOf('delete from patients where cliniko_patient_id = $$8$$')).toEqual(['erased 8']);
    expect(await kindsOf('truncate patients')).toEqual(['erased 70']);
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

describe('changed_at', () => {
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
