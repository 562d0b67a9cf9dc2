/**
 * The guide about the data, followed by a login for analysts: its statements run, its lists of columns are those of the database, and a
 * copy that it describes ends equal to the table, whatever writes patients at the same time.
 */
import type { Sql } from 'postgres';
import { beforeAll, describe, expect, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { openDatabase } from '../../src/database/open.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { readWhile } from '../support/patient-copies.ts';
import { ORGANIZATION, type Write, writeAtOnce } from '../support/patient-writers.ts';
import { newReaderUrl } from '../support/sql-reader.ts';
import { readGuide } from './support/guides.ts';

interface Block {
  language: string;
  /** `copy=changed`, `dbt`, or empty. */
  mark: string;
  text: string;
}

let guide = '';
let blocks: Block[] = [];

beforeAll(async () => {
  guide = await readGuide('guides/data.md');
  blocks = [...guide.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', mark = '', text = '']) => ({ language, mark, text }),
  );
});

/** The one block with this mark. */
function block(language: string, mark: string): string {
  const found = blocks.filter((one) => one.language === language && one.mark === mark);
  expect(found, `${language} ${mark}`).toHaveLength(1);
  return found[0]?.text ?? '';
}

const connectReader = async (databaseUrl: string): Promise<Sql> =>
  connectInTest(await newReaderUrl(databaseUrl, ORGANIZATION), { max: 2 });

/** The copy of the guide, in a database of its own. */
async function createCopy(source: Sql) {
  const { sql: copy } = await createEmptyDatabase();
  await copy.unsafe(block('sql', 'copy=create'));
  /** @returns whether there was anything */
  const read = async (): Promise<boolean> => {
    const [row] = await copy.unsafe<{ place: string }[]>(block('sql', 'copy=place'), [ORGANIZATION]);
    const changed = block('sql', 'copy=changed').replace(/;\s*$/, '');
    const [page] = await source.unsafe<{ rows: string | null }[]>(
      `select json_agg(changed)::text as rows from (${changed}) as changed`,
      [ORGANIZATION, row?.place ?? ''],
    );
    if (typeof page?.rows !== 'string') return false;
    await copy.unsafe(block('sql', 'copy=store'), [page.rows]);
    return true;
  };
  const dropErased = async (): Promise<void> => {
    const ids = await source.unsafe<{ cliniko_patient_id: string }[]>(block('sql', 'copy=ids'), [
      ORGANIZATION,
    ]);
    await copy.unsafe(block('sql', 'copy=erase'), [ORGANIZATION, ids.map((id) => id.cliniko_patient_id)]);
  };
  const rows = () => rowsOf(copy, 'clinic_patients');
  return { read, dropErased, rows };
}

const rowsOf = async (sql: Sql, table: string) =>
  await sql.unsafe(`select cliniko_patient_id, first_name, last_name, email, phone, date_of_birth::text, archived_at::text, merged_into,
    missing_since::text, changed_at::text from ${table} order by cliniko_patient_id`);

const CHURN: Write[][] = [
  ['sync', 'hand', 'erase', 'sync', 'hand', 'purge'],
  ['hand', 'retry', 'hand', 'confirm', 'hand', 'sync'],
  ['erase', 'hand', 'sync', 'hand', 'hand', 'hand'],
].map((writes, caller) => writes.map((what, place) => ({ what, which: 7 * caller + 11 * place }) as Write));

describe('a copy by changed_at', () => {
  test('ends equal to the table when everything writes at once', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const foreign = openDatabase(databaseUrl, { max: 4 });
    onTestFinished(() => foreign.close());
    const copy = await createCopy(await connectReader(databaseUrl));
    await readWhile([copy.read], writeAtOnce(engine, foreign.sql, CHURN));
    await copy.dropErased();
    expect((await copy.rows()).length).toBeGreaterThan(0);
    expect(await copy.rows()).toEqual(await rowsOf(engine.sql, 'patients'));
  });

  test('has a row that was written earlier and committed later', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const copy = await createCopy(await connectReader(databaseUrl));
    const [slow, fast] = [connectInTest(databaseUrl), connectInTest(databaseUrl)];
    const insert = (sql: Sql, id: string) => sql`
      insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
      values (${ORGANIZATION}, ${id}, '{}', '', 0) returning changed_at::text as at`;
    await slow`begin`;
    const [early] = await insert(slow, '1');
    const [late] = await insert(fast, '2');
    expect(String(late?.at) > String(early?.at)).toBe(true);
    expect(await copy.read()).toBe(true);
    expect(await copy.rows()).toMatchObject([{ cliniko_patient_id: '2' }]);
    await slow`commit`;
    expect(await copy.read()).toBe(true);
    expect(await copy.rows()).toEqual(await rowsOf(engine.sql, 'patients'));
  });
});

describe('the guide', () => {
  test('lists every column, with its description in the database', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const tables = [
      'patients',
      'patients_current',
      'patient_details',
      'patient_identifiers',
      'organizations',
      'sync_logs',
    ];
    for (const table of tables) {
      const [section = ''] = new RegExp(`^### ${table}\n[^#]*`, 'm').exec(guide) ?? [];
      const listed = [...section.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name, text]) => ({
        name,
        text,
      }));
      const stored = await sql`
        select attname as name, col_description(attrelid, attnum) as text from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by name`;
      expect(
        listed.toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
        table,
      ).toEqual([...stored]);
      const [row] = await sql`select obj_description(${table}::regclass, 'pg_class') as text`;
      expect(section).toContain(row?.text);
    }
  });

  test('has statements and a model that a login for analysts can run', async ({ databaseUrl }) => {
    const { sql: owner } = await openEngine(databaseUrl);
    await owner`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
      values (${ORGANIZATION}, '1', ${JSON.stringify({ post_code: '0800', accepted_email_marketing: true, patient_phone_numbers: [{ number: '1', phone_type: 'Home', normalized_number: '611' }] })}::text::jsonb, '', 0)`;
    const reader = await connectReader(databaseUrl);
    const statements = blocks.filter(({ language, mark }) => language === 'sql' && mark === '');
    expect(statements.length).toBeGreaterThan(4);
    const answers = await Promise.all(statements.map(({ text }) => reader.unsafe(text)));
    expect(answers[0]).toMatchObject([
      { organization_id: ORGANIZATION, active: '1', archived: '0', total: '1' },
    ]);
    expect(answers[1]).toMatchObject([{ post_code: '0800', patients: '1', by_email: '1' }]);
    expect(answers[2]).toMatchObject([{ type: 'Home', number: '611' }]);

    const model = block('sql', 'dbt')
      .replace(/\{\{ config\(.*?\) \}\}|\{% .*? %\}/g, '')
      .replace(/\{\{ source\('patient_sync', '(\w+)'\) \}\}/g, '$1')
      .replaceAll('{{ this }}', '(select organization_id, changed_at from patients where false)');
    expect(await reader.unsafe(model)).toHaveLength(1);
  });

  test('has sources for dbt whose tables and columns exist', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const Columns = z.array(z.object({ name: z.string() })).default([]);
    const Sources = z.object({
      sources: z.array(
        z.object({
          tables: z.array(z.object({ name: z.string(), columns: Columns, config: z.unknown().optional() })),
        }),
      ),
    });
    const { sources } = Sources.parse(parse(block('yaml', 'dbt')));
    const tables = sources.flatMap((source) => source.tables);
    expect(tables.map(({ name }) => name)).toContain('patients');
    for (const { name, columns } of tables) {
      const known = await sql<{ name: string }[]>`
        select attname as name from pg_attribute where attrelid = ${name}::regclass and attnum > 0`;
      expect(known.map((column) => column.name)).toEqual(
        expect.arrayContaining(columns.map((column) => column.name)),
      );
    }
    const logs = z
      .object({ loaded_at_field: z.string(), freshness: z.object({ filter: z.string() }) })
      .parse(tables.find(({ name }) => name === 'sync_logs')?.config);
    await sql.unsafe(`select max(${logs.loaded_at_field}) from sync_logs where ${logs.freshness.filter}`);
  });
});
