/** The database grants rights only to its owner, the server role and the named readers. */
import { describe, expect, vi } from 'vitest';
import { migrate } from '../../src/database/migrate.ts';
import { readOwnObjects } from '../../src/database/own-objects.ts';
import { findRolesWithMore } from '../../src/database/revoke-privileges.ts';
import { UnknownReaderError } from '../../src/database/roles.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { connectAs, createPlatform, grantByDefault, reachOf } from './support/platform.ts';

const DENIED = { code: '42501' };

describe('a platform that grants everything to a role by default', () => {
  test('grants no right on a table, sequence, function or partition after the server has started', async () => {
    const platform = await createPlatform();
    const anonymous = await platform.createRole();
    const service = await platform.createRole('bypassrls');
    for (const role of [anonymous, service, 'public']) await grantByDefault(platform, role);

    const server = await startTestServer(platform.ownerUrl, { patients: 60 });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await stream.until(hasEnded);

    for (const role of [anonymous, service]) expect(await reachOf(platform.admin, role)).toEqual([]);
    const outside = connectAs(platform, service);
    await expect(outside`select from patients`).rejects.toMatchObject(DENIED);
    await expect(outside`delete from patients`).rejects.toMatchObject(DENIED);
    await expect(outside`select sync_events_maintain(14, 3)`).rejects.toMatchObject(DENIED);
    expect(await platform.admin`select count(*)::int as count from patients`).toEqual([{ count: 60 }]);
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
      checks: { row_security: 'role', other_roles: [] },
    });
  });

  test('grants no right on a later partition either', async () => {
    const platform = await createPlatform();
    const anonymous = await platform.createRole();
    await grantByDefault(platform, anonymous);
    await migrate(platform.ownerUrl);
    const owner = connectInTest(platform.ownerUrl);
    await owner`select sync_events_maintain(14, 40)`;
    const [later] = await owner<{ count: number; open: number }[]>`
      select count(*)::int as count, (count(*) filter (where not relrowsecurity))::int as open
      from pg_class where relname ~ '^sync_events_[0-9]{8}$'`;
    expect(later).toEqual({ count: 41, open: 0 });
    expect(await reachOf(platform.admin, anonymous)).toEqual([]);
  });

  test('loses its grants from before an upgrade, and manual grants', async () => {
    const platform = await createPlatform();
    const [anonymous, middleman] = [await platform.createRole(), await platform.createRole()];
    await migrate(platform.ownerUrl);
    const owner = connectInTest(platform.ownerUrl);
    await owner.unsafe(`grant all on all tables in schema public to ${anonymous}, public;
      grant all on all sequences in schema public to ${anonymous};
      grant all on all functions in schema public to ${anonymous};
      grant select (first_name, raw) on patients to ${middleman} with grant option`);
    const passedOn = connectAs(platform, middleman);
    await passedOn.unsafe(`grant select (raw) on patients to ${anonymous}`);
    await migrate(platform.ownerUrl);
    expect(await reachOf(platform.admin, anonymous)).toEqual([]);
    expect(await reachOf(platform.admin, middleman)).toEqual([]);
  });

  test('shows no row to a role with manual grants, and /readyz and the log name that role', async () => {
    const platform = await createPlatform();
    const anonymous = await platform.createRole();
    const server = await startTestServer(platform.ownerUrl, { organizations: [123] });
    const owner = connectInTest(platform.ownerUrl);
    await owner.unsafe(`grant select, update, delete on organizations, patients to ${anonymous}`);
    const outside = connectAs(platform, anonymous);
    await expect(outside`select from organizations`).rejects.toMatchObject(DENIED);
    await expect(outside`delete from organizations`).rejects.toMatchObject(DENIED);
    // With the functions of the policy too: no error, and still no row.
    await owner.unsafe(`grant all on all tables in schema public to ${anonymous};
      grant all on all functions in schema public to ${anonymous}`);
    for (const held of ['', '{123}']) {
      await outside`select set_config('patient_sync.organizations', ${held}, false)`;
      expect(await outside`select from organizations`).toHaveLength(0);
      expect(await outside`delete from organizations returning id`).toHaveLength(0);
      expect(await outside`select from patient_sync_migrations`).toHaveLength(0);
    }
    await expect(
      outside`insert into api_tokens (name, scope, token_hash) values ('x', 'admin', 'x')`,
    ).rejects.toMatchObject(DENIED);
    await owner.unsafe(`revoke all on all tables in schema public from ${anonymous};
      revoke all on all functions in schema public from ${anonymous}`);
    await owner.unsafe(`grant select on organizations, patients to ${anonymous}`);
    await vi.waitFor(async () => {
      const answer = await fetch(`${server.url}/readyz`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ checks: { other_roles: [anonymous] } });
    }, 10_000);
    expect(server.logged().split(`The database role ${anonymous} has rights`)).toHaveLength(2);
    await owner.unsafe(`revoke all on organizations, patients from ${anonymous}`);
    await vi.waitFor(async () => {
      expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
        checks: { other_roles: [] },
      });
    }, 10_000);
  });

  test.for([
    ['a column', 'grant select (raw) on patients to $'],
    ['a sequence', 'grant usage on sequence patients_id_seq to $'],
    ['a function', 'grant execute on function sync_epoch() to $'],
    ['the journal', 'grant select on patient_sync_migrations to $'],
    ['a partition', 'grant select on sync_events_other to $'],
    ['our own role', 'grant patient_sync_reader to $'],
    ['a view of our tables', 'create view v as select id from patients; grant select on v to $'],
    [
      'a view of a view',
      'create view v as select id from patients; create view w as table v; grant select on w to $',
    ],
    [
      'a copy of our tables',
      'create materialized view v as select raw from patients; grant select (raw) on v to $',
    ],
    ['every table without row-level security', 'alter role $ bypassrls; grant pg_read_all_data to $'],
  ] as const)('is named in /readyz when it gets %s', async ([, grant]) => {
    const platform = await createPlatform();
    const role = await platform.createRole();
    const server = await startTestServer(platform.ownerUrl, { organizations: [] });
    await platform.admin.unsafe(grant.replaceAll('$', role));
    await vi.waitFor(async () => {
      const { checks } = (await (await fetch(`${server.url}/readyz`)).json()) as {
        checks: { other_roles: string[] };
      };
      expect(checks.other_roles).toContain(role);
    }, 10_000);
  });
});

describe('tables of another program in the same schema and of the same owner', () => {
  test('and views without our rights or for our readers are not reported', async () => {
    const platform = await createPlatform();
    const [web, analyst] = [await platform.createRole(), await platform.createRole()];
    const roles = await migrate(platform.ownerUrl, { readers: [analyst] });
    const owner = connectInTest(platform.ownerUrl);
    await owner.unsafe(`create table bookings (id serial primary key);
      create view free as select id from bookings; grant all on free to ${web};
      create view count as select count(*) from patients; grant select on count to ${analyst};
      create view theirs with (security_invoker = true) as select id from patients; grant select on theirs to ${web}`);
    expect(await findRolesWithMore(owner, await readOwnObjects(), roles)).toEqual([]);
  });

  test('keep their rights', async () => {
    const platform = await createPlatform();
    const web = await platform.createRole();
    await grantByDefault(platform, web);
    const owner = connectInTest(platform.ownerUrl);
    await owner.unsafe(`create table bookings (id serial primary key);
      create function free_slots() returns integer language sql return 1`);
    await migrate(platform.ownerUrl);
    expect((await reachOf(platform.admin, web)).map(({ object }) => object)).toEqual([
      'bookings',
      'bookings_id_seq',
      'free_slots',
    ]);
    expect(await owner`select relrowsecurity from pg_class where relname = 'bookings'`).toMatchObject([
      { relrowsecurity: false },
    ]);
  });
});

describe('a role of DATABASE_READERS', () => {
  test('may read patients, syncs and organizations, and nothing else', async () => {
    const platform = await createPlatform();
    const analyst = await platform.createRole();
    const server = await startTestServer(platform.ownerUrl, { config: { databaseReaders: [analyst] } });
    expect(await reachOf(platform.admin, analyst)).toEqual([
      { object: 'organizations', rights: 'SELECT' },
      { object: 'patient_details', rights: 'SELECT' },
      { object: 'patient_identifiers', rights: 'SELECT' },
      { object: 'patients', rights: 'SELECT' },
      { object: 'patients_current', rights: 'SELECT' },
      { object: 'sync_allowed_organizations', rights: 'execute' },
      { object: 'sync_is_restricted', rights: 'execute' },
      { object: 'sync_logs', rights: 'SELECT' },
      { object: 'sync_sql_reader_organizations', rights: 'execute' },
      { object: 'sync_visible_organizations', rights: 'execute' },
    ]);
    const reader = connectAs(platform, analyst);
    expect(await reader`select id from organizations`).toEqual([{ id: 123 }]);
    await expect(reader`delete from patients`).rejects.toMatchObject(DENIED);
    await expect(reader`select sealed_api_key from cliniko_credentials`).rejects.toMatchObject(DENIED);
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ checks: { other_roles: [] } });
  });

  test('may be a group, whose members read', async () => {
    const platform = await createPlatform();
    const [group, member, other] = [
      await platform.createRole(),
      await platform.createRole(),
      await platform.createRole(),
    ];
    await startTestServer(platform.ownerUrl, { config: { databaseReaders: [group] } });
    await platform.admin.unsafe(`grant ${group} to ${member}`);
    expect(await connectAs(platform, member)`select id from organizations`).toEqual([{ id: 123 }]);
    // The next start names another role: the policies of a right that outlives it show nothing.
    await migrate(platform.ownerUrl, { readers: [other] });
    await platform.admin.unsafe(`grant select on organizations to ${member};
      grant execute on function sync_is_restricted(), sync_allowed_organizations(), sync_sql_reader_organizations(name) to ${member}`);
    expect(await connectAs(platform, member)`select id from organizations`).toEqual([]);
    expect(await connectAs(platform, other)`select id from organizations`).toEqual([{ id: 123 }]);
  });

  test('loses its rights when it is no longer named, and more than reading at each start', async () => {
    const platform = await createPlatform();
    const [kept, left] = [await platform.createRole(), await platform.createRole()];
    await migrate(platform.ownerUrl, { readers: [kept, left] });
    const owner = connectInTest(platform.ownerUrl);
    await owner.unsafe(`grant insert, delete on patients to ${kept}`);
    await migrate(platform.ownerUrl, { readers: [kept] });
    expect(await reachOf(platform.admin, left)).toEqual([]);
    const rights = await reachOf(platform.admin, kept);
    expect(rights.find(({ object }) => object === 'patients')).toEqual({
      object: 'patients',
      rights: 'SELECT',
    });
  });

  test('must exist', async ({ databaseUrl }) => {
    const refusal = await migrate(databaseUrl, { readers: ['no_such_role'] }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(UnknownReaderError);
    expect(String(refusal)).toContain('DATABASE_READERS names "no_such_role"');
  });
});

describe('the list of our own objects', () => {
  test('contains all objects that the migrations create', async ({ databaseUrl }) => {
    const own = await readOwnObjects();
    const sql = connectInTest(databaseUrl);
    const made = await sql<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p', 'v', 'm') and not relispartition
      union select proname from pg_proc where pronamespace = 'public'::regnamespace`;
    const names = new Set([...own.relations, ...own.functions]);
    expect(made.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  });

  test('is behind row-level security, table by table, and not forced on the owner', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    expect(
      await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and (not relrowsecurity or relforcerowsecurity)`,
    ).toEqual([]);
  });
});
