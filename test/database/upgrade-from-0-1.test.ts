/** The upgrade of a database that version 0.1 created. */
import type { Sql } from 'postgres';
import { describe, expect, test, vi } from 'vitest';
import { DatabaseStartError } from '../../src/database/database-failure.ts';
import { migrate } from '../../src/database/migrate.ts';
import { readJournal } from '../../src/database/migration-journal.ts';
import { connectInTest, createEmptyDatabase } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { createPlatform, grantByDefault, type Platform, reachOf } from './support/platform.ts';
import { loadVersion01, readCatalog, readRows } from './support/version-0-1.ts';

/** Of an owner that is not a superuser, on a platform that grants all rights to another role. */
async function createPlatformOf01() {
  const platform = await createPlatform();
  const anonymous = await platform.createRole();
  await grantByDefault(platform, anonymous);
  const owner = connectInTest(platform.ownerUrl);
  await loadVersion01(owner);
  return { platform, anonymous, owner };
}

async function createDatabaseOf01() {
  const { url, sql } = await createEmptyDatabase();
  await loadVersion01(sql);
  return { url, sql };
}

let newCatalog: readonly string[] | undefined;

async function readNewCatalog(): Promise<readonly string[]> {
  if (newCatalog !== undefined) return newCatalog;
  const fresh = await createPlatform();
  await migrate(fresh.ownerUrl);
  newCatalog = await catalogOf(fresh);
  return newCatalog;
}

const catalogOf = ({ admin, owner }: Platform) => readCatalog(admin, owner);

const epochOf = async (sql: Sql) => (await sql<{ epoch: string }[]>`select sync_epoch() as epoch`)[0]?.epoch;

const refusalOf = (url: string): Promise<unknown> => migrate(url).catch((error: unknown) => error);

/** Of `organizations`, added later. */
const SCHEDULE_COLUMNS = {
  ...{
    firings: null,
    longest_interval_s: null,
    scheduled_since: null,
    missed_at: null,
    overdue_sent_at: null,
  },
  ...{ paused_at: null, paused_reason: null, paused_by: null, paused_by_name: null, key_refusals: 0 },
  ...{ retry_at: null, retry_of: null, retry_type: null, retry_attempt: 0 },
};

/** Of `webhook_endpoints`, added later. */
const NOTIFICATION_COLUMNS = {
  ...{ kind: 'standard', address: null, organizations: null, digest: false, quiet_hours: null },
  ...{ resume_at: null, silent_since: null },
};

describe('the upgrade of a database of version 0.1', () => {
  test('gives it the schema of a new database, keeps all rows and the epoch, and closes it to other roles', async () => {
    const { platform, anonymous, owner } = await createPlatformOf01();
    await owner.unsafe(`grant all on all tables in schema public to ${anonymous}, public;
      grant all on all functions in schema public to ${anonymous};
      grant all on all sequences in schema public to ${anonymous};
      grant select (raw) on patients to ${anonymous} with grant option`);
    await platform.admin`insert into audit_log (id, organization_id, actor, action, details) overriding system value
      values (1000, 124, 'token:1', 'organization.delete', '{}')`;
    const [before, epoch] = [await readRows(platform.admin), await epochOf(owner)];
    for (const [name, rows] of Object.entries(before)) expect(rows, name).not.toHaveLength(0);

    await migrate(platform.ownerUrl);
    expect(await catalogOf(platform)).toEqual(await readNewCatalog());
    const {
      sync_epoch_seed: seeds,
      patient_sync_migrations,
      sealing_key,
      sync_pause,
      bulk_operations,
      bulk_operation_targets,
      webhook_notices,
      browser_sessions,
      sign_in_links,
      sign_in_identities,
      ...after
    } = await readRows(platform.admin);
    const { sync_eras: eras, cliniko_credentials: keys = [], organizations = [], ...kept } = before;
    const { patients = [], webhook_endpoints: endpoints = [], webhook_deliveries: deliveries = [] } = before;
    const { sync_streams: streams = [] } = before;
    // Later migrations add columns.
    expect(after).toEqual({
      ...kept,
      organizations: organizations.map((row) => Object.assign({}, SCHEDULE_COLUMNS, row)),
      cliniko_credentials: keys.map((row) => Object.assign({ account_host: null }, row)),
      webhook_endpoints: endpoints.map((row) => Object.assign({}, NOTIFICATION_COLUMNS, row)),
      webhook_deliveries: deliveries.map((row) =>
        Object.assign({ organizations: null, kind: null, summary: null }, row),
      ),
      patients: patients.map((row) => Object.assign({ changed_at: expect.any(String) }, row)),
      sync_streams: streams.map((row) => {
        const { organization_id: id } = row as { organization_id: number };
        return Object.assign({ erased_at: id === 124 ? expect.any(String) : null }, row);
      }),
      patient_changes: [],
      patient_change_streams: [],
      patient_changes_pending: [],
      sql_readers: [],
      webhook_change_positions: [],
    });
    expect(seeds).toEqual(eras?.map((row) => ({ seed: (row as { era: string }).era })));
    expect(await epochOf(owner)).toBe(epoch);
    expect([sealing_key, sync_pause, bulk_operations, bulk_operation_targets]).toEqual([[], [], [], []]);
    expect([webhook_notices, browser_sessions, sign_in_links, sign_in_identities]).toEqual([[], [], [], []]);
    expect(await readJournal(owner)).toEqual({ schema: 'current', pending: [] });
    expect(await reachOf(platform.admin, anonymous)).toEqual([]);

    await migrate(platform.ownerUrl);
    expect(patient_sync_migrations).toEqual((await readRows(platform.admin)).patient_sync_migrations);
  });

  test('runs once when two servers start at once', async () => {
    const { platform } = await createPlatformOf01();
    await Promise.all([migrate(platform.ownerUrl), migrate(platform.ownerUrl)]);
    expect(await catalogOf(platform)).toEqual(await readNewCatalog());
  });

  test('fails no statement of a server of 0.1 that works on the tables at the same time', async () => {
    const { url, sql } = await createDatabaseOf01();
    let isUpgraded = false;
    const upgrade = migrate(url).finally(() => {
      isUpgraded = true;
    });
    // One of these waits for the upgrade after it has found the function.
    while (!isUpgraded)
      await sql.unsafe('select sync_epoch() as epoch, (select count(*) from sync_logs) as runs');
    await upgrade;
  });

  test('changes nothing when it is killed in the middle; the next start completes it', async () => {
    const { platform, owner } = await createPlatformOf01();
    const before = await catalogOf(platform);
    await platform.admin`begin`;
    await platform.admin`lock table quarantine in access share mode`;
    const killed = refusalOf(platform.ownerUrl);
    await vi.waitFor(async () => {
      const ended = await owner`select pg_terminate_backend(pid) from pg_locks
        where not granted and relation = 'quarantine'::regclass
          and database = (select oid from pg_database where datname = current_database())`;
      expect(ended).not.toHaveLength(0);
    });
    expect(await killed).toBeInstanceOf(Error);
    await platform.admin`commit`;
    expect(await catalogOf(platform)).toEqual(before);
    await migrate(platform.ownerUrl);
    expect(await catalogOf(platform)).toEqual(await readNewCatalog());
  });

  test.for([
    [
      'a missing column',
      'alter table organizations drop column next_sync_at',
      'the column organizations.next_sync_at',
    ],
    ['a missing table', 'drop table webhook_deliveries', '"webhook_deliveries" does not exist'],
    ['a view of another program', 'create view eras as select * from sync_eras', 'view eras'],
    ['a table in the way', 'create table sealing_key (id integer)', '"sealing_key" already exists'],
  ] as const)('ends with one line and changes nothing when it finds %s', async ([, change, named]) => {
    const { url, sql } = await createDatabaseOf01();
    await sql.unsafe(change);
    const before = await readCatalog(sql, 'postgres');
    const refusal = await refusalOf(url);
    expect(refusal).toBeInstanceOf(DatabaseStartError);
    const line = String(refusal);
    expect(line).toContain(named);
    expect(line).toContain('then start again');
    expect(line).not.toContain('\n');
    expect(await readCatalog(sql, 'postgres')).toEqual(before);
  });

  test.for(['drizzle.__drizzle_migrations', 'patient_sync_migrations'])(
    'is refused in one line for an unreleased version, with its journal in %s',
    async (journal) => {
      const { url, sql } = await createDatabaseOf01();
      await sql.unsafe(`create table if not exists ${journal} (hash text);
        insert into ${journal} (hash) select hash from drizzle.__drizzle_migrations where not exists (select from ${journal});
        delete from drizzle.__drizzle_migrations where id > 5`);
      const refusal = await refusalOf(url);
      expect(refusal).toBeInstanceOf(DatabaseStartError);
      expect(String(refusal)).toMatch(/unreleased version.*empty database.*then start again/);
    },
  );
});

test('after the upgrade a server completes the run that version 0.1 had in progress, and clients resume with their cursors', async () => {
  const { url, sql } = await createDatabaseOf01();
  const epoch = await epochOf(sql);
  const [old] = await sql<{ percent: number; processed: number; missing: number }[]>`
    select (checkpoint -> 'percent')::float8 as percent, (checkpoint -> 'processed')::int as processed,
      (select count(*)::int from patients where missing_since is not null or held_since is not null) as missing
    from sync_runs where sync_log_id = 3 and ended_at is null`;
  expect(old).toMatchObject({ percent: 41.7, processed: 10, missing: 0 });

  const server = await startTestServer(url, { organizations: [], patients: 24 });
  const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`, {
    'last-event-id': `${epoch}.20`,
  });
  const sent = await stream.until(hasEnded);
  expect(JSON.parse(sent[0]?.data ?? '')).toMatchObject({ type: 'hello', recovered: true, reason: null });
  const events = sent.slice(1).flatMap(({ id, data }) => (id === undefined ? [] : [JSON.parse(data)]));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 21 + index));
  const progress: number[] = events.map(({ log }) => log.metadata.progress_percent);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));

  expect(events.at(-1)).toMatchObject({
    type: 'completed',
    sync_log_id: 3,
    log: {
      records_processed: 24,
      records_failed: 0,
      metadata: { patients_found: 24, attempt: 2, proof: { proven: true } },
    },
  });
  expect(
    await sql`select count(*)::int as stored, count(missing_since)::int as missing, count(held_since)::int as held from patients`,
  ).toEqual([{ stored: 24, missing: 0, held: 0 }]);
  expect(await sql`select from sync_seen`).toEqual([]);
  // Its phone number can be read now.
  expect(await sql`select from quarantine`).toEqual([]);
});
