/** A start on a database of the old system: one line that names everything in the way, and its command resolves it. */
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkRights } from '../../src/cli/doctor/database-checks.ts';
import { DatabaseStartError } from '../../src/database/database-failure.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/open.ts';
import { prepareDatabase } from '../../src/database/prepare.ts';
import { importHistory } from '../../src/legacy/import/import-history.ts';
import { withLegacySource } from '../../src/legacy/import/legacy-source.ts';
import { readGuide } from '../docs/support/guides.ts';
import { insertOldRuns, OLD_SCHEMA } from '../legacy/support/old-database.ts';
import { connectInTest, createEmptyDatabase } from '../support/database.ts';
import { guideBlock } from '../support/guide.ts';
import { createPlatform } from './support/platform.ts';

/** As the start says it: one line, with words, and nothing about an address that is right. */
async function refusalOf(url: string): Promise<string> {
  const refusal = await prepareDatabase({ url, readers: [] }).catch((error: unknown) => error);
  if (!(refusal instanceof DatabaseStartError)) throw new Error(`It was not refused in words: ${refusal}`);
  expect(refusal.message.split('\n')).toHaveLength(1);
  return refusal.message;
}

const commandsOf = (line: string): string[] =>
  [...line.matchAll(/-c '([^']+)'/g)].map(([, command = '']) => command);

async function guideTable(): Promise<{ url: string; sql: Sql }> {
  const database = await createEmptyDatabase();
  await database.sql.unsafe(await guideBlock('sql', 'CREATE TABLE'));
  return database;
}

describe('an old sync_logs whose id is bigint', () => {
  test('goes on under this server: each change of its rows becomes an event', async () => {
    const { url, sql } = await createEmptyDatabase();
    const table = await guideBlock('sql', 'CREATE TABLE');
    await sql.unsafe(table.replace(/\bid SERIAL\b/i, 'id BIGSERIAL'));
    expect(
      await sql`select format_type(atttypid, null) as type from pg_attribute
      where attrelid = 'sync_logs'::regclass and attname = 'id'`,
    ).toEqual([{ type: 'bigint' }]);
    await migrate(url);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'nightly', 'running', now()), (123, 'hourly', 'pending', now())`;
    await sql`update sync_logs set status = 'completed' where operation_type = 'nightly'`;
    await sql`update sync_logs set records_processed = 1`;
    await sql`delete from sync_logs where operation_type = 'hourly'`;
    const events = await sql<{ type: string }[]>`select type from sync_events order by seq`;
    expect(events.map(({ type }) => type)).toEqual([
      'started',
      'started',
      'completed',
      'completed',
      'progress',
      'snapshot',
    ]);
  });
});

test('the times of a sync_logs that stays become UTC by the statement of the moving guide', async () => {
  const { url, sql } = await guideTable();
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    values (123, 'full_patients', 'completed', '2026-11-30 23:00:00', '2026-11-30 23:05:00')`;
  const guide = await readGuide('guides/moving-from-the-old-system.md');
  const [, statement = ''] = /^```sql\n(update sync_logs[\s\S]*?)^```$/m.exec(guide) ?? [];
  await sql.unsafe(statement);
  await migrate(url);
  expect(await sql`select started_at::text, completed_at::text from sync_logs`).toEqual([
    { started_at: '2026-11-30 12:00:00', completed_at: '2026-11-30 12:05:00' },
  ]);
});

describe('a real old database', () => {
  test('is moved aside by the command that the start names; its views and foreign keys go on', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql.unsafe(OLD_SCHEMA);
    await insertOldRuns(sql, [
      { status: 'completed', startedAt: '2026-03-01 10:00:00+11', counts: [5, 5, 0] },
    ]);
    const line = await refusalOf(url);
    expect(line).toContain('table "patients" (not of this server: its id is uuid)');
    expect(line).toContain('table "organizations" (not of this server: its id is text)');
    expect(line).toMatch(
      /table "sync_logs" \(.*id is uuid.*organization_id is text.*source_system is NOT NULL/,
    );
    expect(line).not.toContain('appointments');
    expect(line).toContain('npm run db:import-legacy');
    expect(line).toContain('psql "$DATABASE_URL" -1 -v ON_ERROR_STOP=1');
    const commands = commandsOf(line);
    expect(commands).toHaveLength(4);
    await sql.begin(async (tx) => {
      for (const command of commands) await tx.unsafe(command);
    });
    await migrate(url);

    expect(await sql`select name from active_contacts`).toEqual([{ name: 'Grace Example' }]);
    expect(await sql`select organization_id from last_runs`).toEqual([{ organization_id: 'org_abc' }]);
    await expect(
      sql`insert into appointments (patient_id) values ('00000000-0000-4000-8000-00000000000f')`.execute(),
    ).rejects.toThrow('foreign key');
    // The history comes from where it was moved, in the same database.
    await sql`insert into public.organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    const database = openDatabase(url, { max: 1 });
    onTestFinished(database.close);
    const report = await withLegacySource(url, { schema: undefined, timeZone: 'UTC' }, (source) =>
      importHistory(database.sql, source, {
        organizations: new Map([['org_abc', 123]]),
        operations: new Map(),
        apply: true,
      }),
    );
    expect(report).toMatchObject({ table: 'old_system.sync_logs', organizations: [{ copied: 1 }] });
    expect(await sql`select records_success from public.sync_logs`).toEqual([{ records_success: 5 }]);
  });

  test.for([
    [
      'a view, not a table',
      'view',
      'alter table sync_logs rename to app_logs; create view sync_logs as select * from app_logs',
    ],
    [
      'a partitioned table, not an ordinary one',
      'table',
      `alter table sync_logs rename to app_logs;
        create table sync_logs (like app_logs including defaults) partition by range (started_at);
        create table sync_logs_2026 partition of sync_logs default`,
    ],
  ] as const)('says that its sync_logs is %s, and names the command for it', async ([kind, word, change]) => {
    const { url, sql } = await guideTable();
    await sql.unsafe(change);
    const line = await refusalOf(url);
    expect(line).toContain(`${word} "sync_logs" (it is ${kind})`);
    for (const command of commandsOf(line)) await sql.unsafe(command);
    await migrate(url);
    expect(await sql`select from public.sync_logs`).toEqual([]);
  });

  test('names the owner of tables that the role may not move', async () => {
    const platform = await createPlatform();
    await platform.admin.unsafe(await guideBlock('sql', 'CREATE TABLE'));
    await platform.admin`create table organizations (id text primary key)`;
    const [admin] = await platform.admin<{ role: string }[]>`select current_user as role`;
    const line = await refusalOf(platform.ownerUrl);
    expect(line).toContain(
      `table "sync_logs" (it belongs to role ${admin?.role}, so no trigger can be added)`,
    );
    expect(line).toContain(`with the address of ${admin?.role} instead of DATABASE_URL`);
  });

  test('with an object of our names that the search does not know is explained too', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create type sync_streams as enum ('a')`;
    const type = await refusalOf(url);
    expect(type).toMatch(
      /^The migration was rolled back: .*"sync_streams" already exists.*moving-from-the-old-system/,
    );
    await sql`drop type sync_streams`;
    await sql`create table appointments (created_at timestamptz)`;
    await sql`create index sync_runs_open on appointments (created_at)`;
    expect(await refusalOf(url)).toContain('"sync_runs_open" already exists');
  });
});

/** What another program does to the table, what takes it back, and the reason. */
const INCOMPATIBLE: [change: string, undo: string, reason: string | RegExp][] = [
  [
    'add column source_system varchar not null',
    'drop column source_system',
    'its column source_system is NOT NULL without a default',
  ],
  [
    'alter column completed_at set not null, alter column records_failed set not null',
    'alter column completed_at drop not null, alter column records_failed drop not null',
    'its column completed_at is NOT NULL, its column records_failed is NOT NULL',
  ],
  [
    'alter column id drop default',
    "alter column id set default nextval('sync_logs_id_seq')",
    'its column id is NOT NULL without a default',
  ],
  [
    "add constraint known check (operation_type in ('full_patients', 'active_patients'))",
    'drop constraint known',
    'its check known refuses a changed_patients row with status running',
  ],
  [
    'add constraint one unique (organization_id)',
    'drop constraint one',
    'its index one allows fewer rows than this server writes',
  ],
  [
    'add constraint theirs foreign key (organization_id) references clinics deferrable initially deferred',
    'drop constraint theirs',
    'its foreign key theirs refers to clinics',
  ],
];

/** Only possible before the triggers and policies of the first migration. */
const OTHER_TYPES: typeof INCOMPATIBLE = [
  [
    'drop constraint sync_logs_pkey, alter column id drop not null, alter column id drop default',
    "add primary key (id), alter column id set default nextval('sync_logs_id_seq')",
    'its column id has no default',
  ],
  [
    'alter column organization_id type text',
    'alter column organization_id type integer using organization_id::integer',
    'its column organization_id is text, not integer',
  ],
  [
    'alter column error_details type jsonb using null',
    'alter column error_details type text',
    'its column error_details is jsonb, not text',
  ],
  [
    'alter column status type varchar(7)',
    'alter column status type varchar(20)',
    /too short for a full_patients row with status completed/,
  ],
];

describe('the sync_logs of the guide', () => {
  test('is refused with each reason, before and after the first migration, and nothing that was tried remains', async () => {
    const [fresh, migrated] = [await guideTable(), await guideTable()];
    await migrate(migrated.url);
    for (const { url, sql, changes } of [
      { ...fresh, changes: [...INCOMPATIBLE, ...OTHER_TYPES] },
      { ...migrated, changes: INCOMPATIBLE },
    ]) {
      await sql`create table clinics (id integer primary key)`;
      for (const [change, undo, reason] of changes) {
        await sql.unsafe(`alter table sync_logs ${change}`);
        const line = await refusalOf(url);
        expect(line).toMatch(/^(Objects of another program|Another program has changed the table sync_logs)/);
        expect(line).toMatch(reason);
        await sql.unsafe(`alter table sync_logs ${undo}`);
      }
      await migrate(url);
      expect(await sql`select from sync_logs`).toHaveLength(0);
      expect(await sql`select from sync_events`).toHaveLength(0);
      expect(await sql`select nextval('sync_logs_id_seq')::int as id`).toEqual([{ id: 1 }]);
    }
  });

  test.for([
    ['drops or changes', 'insert', 'return null'],
    ['drops or changes', 'update', 'return null'],
    ['drops or changes', 'insert', 'new.status = upper(new.status); return new'],
    ['refuses', 'update', "raise exception 'append only'"],
  ] as const)('is refused with a trigger that %s a row at its %s', async ([what, event, body]) => {
    const { url, sql } = await guideTable();
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'full_patients', 'running', '2024-02-01'), (123, 'full_patients', 'running', '2024-02-02')`;
    await sql.unsafe(`create function theirs() returns trigger language plpgsql as 'begin ${body.replaceAll("'", "''")}; end';
      create trigger theirs before ${event} on sync_logs for each row execute function theirs()`);
    expect(await refusalOf(url)).toMatch(
      new RegExp(`of another program ${what} a changed_patients row with status running`),
    );
    await sql`drop trigger theirs on sync_logs`;
    await migrate(url);
    expect(await sql`select distinct status from sync_logs`).toEqual([{ status: 'failed' }]);
  });

  test('keeps its rows; a run that was left running has an end', async () => {
    const { url, sql } = await guideTable();
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (123, 'full_patients', 'completed', '2024-01-15 10:30:00', '2024-01-15 10:34:22'),
        (123, 'full_patients', 'running', '2024-02-01 08:00:00', null), (123, 'patient_sync', 'timeout', '2024-02-02', null)`;
    await migrate(url);
    expect(
      await sql`select status, metadata ->> 'error_type' as type from sync_logs order by started_at`,
    ).toEqual([
      { status: 'completed', type: null },
      { status: 'failed', type: 'SYNC_INTERRUPTED' },
      { status: 'timeout', type: null },
    ]);
  });

  test('stays with rules that allow our rows, and doctor says the same as the start', async () => {
    const { url, sql } = await guideTable();
    await sql.unsafe(`alter table sync_logs add column source_system varchar not null default 'cliniko',
      add check (status in ('running', 'completed', 'failed', 'timeout')), add unique (organization_id, started_at)`);
    expect(await checkRights(connectInTest(url))).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
    await migrate(url);
    await sql.unsafe(`create function refuse() returns trigger language plpgsql as
      $$ begin if new.records_processed is null then raise exception 'Grace Example'; end if; return new; end $$;
      create trigger refuse before insert on sync_logs for each row execute function refuse()`);
    const line = await refusalOf(url);
    expect(line).toContain('a trigger, rule or constraint of another program refuses');
    expect(line).not.toContain('Grace');
    const [finding] = await checkRights(connectInTest(url));
    expect(finding).toMatchObject({ state: 'error', detail: line });
  });
});
