import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { DatabaseStartError } from '../../src/database/database-failure.ts';
import { MIGRATION_LOCK, migrate } from '../../src/database/migrate.ts';
import { connectInTest, createEmptyDatabase, createTestDatabase } from '../support/database.ts';
import { createOddDatabase } from './support/odd-defaults.ts';
import { createPlatform } from './support/platform.ts';
import { loadVersion01 } from './support/version-0-1.ts';

/** A superuser with usual defaults. */
function inDatabaseOf(url: string): string {
  const admin = new URL(inject('databaseAdminUrl'));
  admin.pathname = new URL(url).pathname;
  return admin.href;
}

const refusalOf = (url: string): Promise<unknown> => migrate(url).catch((error: unknown) => error);

describe('a database with tables of another program', () => {
  test('is not changed; the error names all conflicts at once, and its command resolves them', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create table patients (id uuid primary key, organization_id text, name text not null,
      cliniko_patient_id text, constraint patients_org_cliniko_patient_unique unique (organization_id, cliniko_patient_id))`;
    await sql`create table organizations (id text primary key)`;
    await sql`create table audit_log (id uuid)`;
    await sql`create view api_tokens as select 1 as id`;
    await sql`create table sync_logs (id uuid primary key, organization_id text, source_system varchar not null)`;
    const before =
      await sql`select relname from pg_class where relnamespace = 'public'::regnamespace order by 1`;
    // They are in use, such as by a backup.
    const reader = connectInTest(url);
    await reader`begin`;
    await reader`select from patients`;
    const refusal = await migrate(url, { patienceMs: 0 }).catch((error: unknown) => error);
    await reader`commit`;
    expect(refusal).toBeInstanceOf(DatabaseStartError);
    const line = String(refusal);
    expect(line.split('\n')).toHaveLength(1);
    for (const name of ['patients', 'organizations', 'audit_log', 'api_tokens', 'sync_logs']) {
      expect(line).toContain(`"${name}"`);
    }
    expect(line).toContain('its column id is uuid, not integer');
    expect(line).toContain('its column source_system is NOT NULL without a default');
    expect(
      await sql`select relname from pg_class where relnamespace = 'public'::regnamespace order by 1`,
    ).toEqual(before);

    const commands = [...line.matchAll(/-c '([^']+)'/g)].map(([, command = '']) => command);
    expect(commands).toHaveLength(6);
    for (const command of commands) await sql.unsafe(command);
    await migrate(url);
    await migrate(url);
    expect(await sql`select content_hash from patients`).toEqual([]);
    expect(await sql`select from old_system.patients`).toEqual([]);
  });

  test('the sync_logs of the guide is adopted; with another NOT NULL column it is rejected, also later', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create table sync_logs (id serial primary key, organization_id integer not null,
      operation_type varchar(50) not null, status varchar(20) not null, started_at timestamp not null,
      completed_at timestamp, records_processed integer default 0, records_success integer default 0,
      records_failed integer default 0, metadata jsonb, error_details text, note text)`;
    await migrate(url);
    await sql`alter table sync_logs add column source_system varchar not null`;
    expect(String(await refusalOf(url))).toMatch(
      /column source_system is NOT NULL without a default.*drop NOT NULL/,
    );
    await sql`alter table sync_logs alter column source_system set default 'cliniko'`;
    await migrate(url);
  });
});

test('a migration that waits takes longer than the limits of its role', async () => {
  const limits = { transaction_timeout: '1s', idle_in_transaction_session_timeout: '1s' };
  const { url, sql } = await createOddDatabase({ ...limits, statement_timeout: '1s', lock_timeout: '1s' });
  const holder = connectInTest(inDatabaseOf(url));
  await holder`begin`;
  await holder`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
  const migrated = migrate(url);
  await vi.waitFor(async () => {
    const waiting = await sql`select from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and clock_timestamp() - xact_start > interval '1500 ms'`;
    expect(waiting).toHaveLength(1);
  }, 10_000);
  await holder`commit`;
  await migrated;
  expect(await sql`select from patients`).toEqual([]);
});

describe('the journal', () => {
  test("is our own: another program's journal of drizzle does no harm", async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create schema drizzle`;
    await sql`create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;
    await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('of another program', 9999999999999)`;
    await migrate(url);
    expect(await sql`select from patients`).toEqual([]);
    expect(await sql`select hash from drizzle.__drizzle_migrations`).toHaveLength(1);
  });
});

test('a migration during a long read blocks no other statement, and finishes when the read ends', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const [sql, reader, writer] = [0, 1, 2].map(() => connectInTest(database.url));
  if (sql === undefined || reader === undefined || writer === undefined) throw new Error('There are three.');
  // Makes the migration restore it, which needs the whole table.
  await sql`alter table patients drop constraint patients_org_cliniko_patient_unique`;
  await sql`select 1 from patients`;
  await reader`begin`;
  await reader`lock table patients in row exclusive mode`;
  const migration = migrate(database.url);
  const insert =
    () => writer`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
    values (1, '1', '{}', '', 0) on conflict do nothing`;
  await vi.waitFor(async () => {
    const waiting = await sql`select from pg_locks where not granted
      and database = (select oid from pg_database where datname = current_database())`;
    expect(waiting).not.toHaveLength(0);
  });
  // The reader still holds the table: a migration that waits for it without a limit would block this insert.
  await insert();
  await reader`commit`;
  await migration;
  expect(
    await sql`select from pg_constraint where conname = 'patients_org_cliniko_patient_unique'`,
  ).toHaveLength(1);
});

test('a migration that waits for one table of several ends no request that holds another one', async () => {
  const { url, sql } = await createEmptyDatabase();
  await loadVersion01(sql);
  const [holder, request] = [connectInTest(url), connectInTest(url)];
  for (const [session, table] of [
    [holder, 'audit_log'],
    [request, 'sync_streams'],
  ] as const) {
    await session`begin`;
    await session`select from ${session(table)}`;
  }
  let refusal: unknown;
  const migration = migrate(url, { patienceMs: 0 }).catch((error: unknown) => {
    refusal = error;
  });
  const read = { outcome: Promise.resolve<unknown>('not needed'), isSent: false };
  while (refusal === undefined) {
    const waits = await sql<{ is_long: boolean }[]>`
      select clock_timestamp() - waitstart > interval '200 ms' as is_long from pg_locks
      where not granted and database = (select oid from pg_database where datname = current_database())`;
    if (waits.length > 0 && !read.isSent) {
      read.isSent = true;
      read.outcome = request`select from sync_logs`.then(
        () => 'answered',
        (error: unknown) => error,
      );
    }
    // A migration that locks its tables one after another now gets to `sync_streams`, and waits for the request, which waits for it.
    if (waits.length > 1 && waits.every((wait) => wait.is_long)) await holder`commit`;
  }
  await migration;
  expect(await read.outcome).toMatch(/^(answered|not needed)$/);
  expect(String(refusal)).toContain('End that session, then start again.');
});

test('a migration by an ordinary owner names the process and the role that hold the table', async () => {
  const { admin, ownerUrl, createRole, urlOf } = await createPlatform('');
  await migrate(ownerUrl);
  await admin`alter table patients drop constraint patients_org_cliniko_patient_unique`;
  const analyst = await createRole();
  await admin.unsafe(`grant select on patients to ${analyst}; grant usage on schema public to ${analyst}`);
  const holder = connectInTest(urlOf(analyst));
  await holder`begin`;
  const [own] = await holder<{ pid: number }[]>`select pg_backend_pid() as pid`;
  await holder`lock table patients in access share mode`;

  await expect(migrate(ownerUrl, { patienceMs: 0 })).rejects.toThrow(
    `, process ${own?.pid} of the role ${analyst}). End that session, then start again.`,
  );
});
