/** Row-level security: a statement that forgets its `where` returns no rows of other organizations. */
import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { requirementFor } from '../../src/access/route-policy.ts';
import { createRowLevelSecurity, restrict } from '../../src/access/row-level-security.ts';
import { type Database, openDatabase } from '../../src/database/open.ts';
import { prepareDatabase } from '../../src/database/prepare.ts';
import { type GrantedOrganizations, UNRESTRICTED } from '../../src/http/principal.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { organizationTable } from '../../src/organizations/table.ts';
import { patientTable } from '../../src/patients/table.ts';
import { connectInTest, createTestDatabase, test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { startGuardedServer } from './support/guarded-server.ts';

const OURS = 1;
const THEIRS = 2;
const SILENT = createLogger({ level: 'fatal', format: 'json', colour: false });

function open(url: string): Database {
  const database = openDatabase(url, { max: 3 });
  onTestFinished(() => database.close());
  return database;
}

/** One row for each of two clinics, in every table that has rows of clinics. */
async function fill({ sql }: Database): Promise<void> {
  for (const id of [OURS, THEIRS]) {
    await sql`insert into organizations (id, country, time_zone, validation) values (${id}, 'AU', 'UTC', '{}')`;
    await sql`insert into cliniko_credentials (organization_id, sealed_api_key) values (${id}, 'sealed')`;
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
      values (${id}, '1', '{}', '', 0)`;
    await sql`insert into quarantine (organization_id, record_key, reason, sealed_raw) values (${id}, '1', 'x', 'x')`;
    await sql`insert into audit_log (organization_id, actor, action, details) values (${id}, 'x', 'x', '{}')`;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${id}, 'x', 'failed', now())`;
  }
}

const TABLES = [
  ['patients', 'organization_id'],
  ['quarantine', 'organization_id'],
  ['cliniko_credentials', 'organization_id'],
  ['organizations', 'id'],
  ['audit_log', 'organization_id'],
  ['sync_logs', 'organization_id'],
  ['sync_events', 'organization_id'],
  ['sync_streams', 'organization_id'],
  ['patient_changes', 'organization_id'],
  ['patient_change_streams', 'organization_id'],
] as const;

describe('under the role of the reader', () => {
  test.for(TABLES)(
    '%s without a where gives the rows that are held',
    async ([table, column], { databaseUrl }) => {
      const database = open(databaseUrl);
      await fill(database);
      const seen = (held: readonly number[]) =>
        database.sql.begin(async (tx) => {
          await restrict(tx, held);
          const rows = await tx<{ id: number }[]>`select ${tx(column)} as id from ${tx(table)} order by 1`;
          return rows.map(({ id }) => id);
        });
      expect(await seen([OURS])).toEqual([OURS]);
      expect(await seen([OURS, THEIRS, 999])).toEqual([OURS, THEIRS]);
      expect(await seen([])).toEqual([]);
      const [count] = await database.sql<
        { count: number }[]
      >`select count(*)::int from ${database.sql(table)}`;
      expect(count).toEqual({ count: 2 });
    },
  );

  test('no other table can be read at all, and none can be written', async ({ databaseUrl }) => {
    const database = open(databaseUrl);
    const tables = await database.sql<
      { name: string; reads: boolean; writes: boolean; ofClinics: boolean; hasPolicy: boolean }[]
    >`
      select relname as name, relname = 'organizations' or exists (select from pg_attribute
          where attrelid = pg_class.oid and attname = 'organization_id' and not relispartition and relkind <> 'v') as "ofClinics", has_table_privilege('patient_sync_reader', oid, 'SELECT') as reads,
        has_table_privilege('patient_sync_reader', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') as writes,
        relrowsecurity and exists (
          select 1 from pg_policy where polrelid = pg_class.oid and polname = 'organization_isolation') as "hasPolicy"
      from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')`;
    const readable = tables.filter(({ reads }) => reads).map(({ name }) => name);
    expect(readable).toEqual(expect.arrayContaining(TABLES.map(([name]) => name)));
    expect(tables.filter(({ reads, ofClinics }) => reads !== ofClinics)).toEqual([]);
    expect(tables.filter(({ reads, hasPolicy }) => reads && !hasPolicy)).toEqual([]);
    expect(tables.filter(({ writes }) => writes)).toEqual([]);
  });

  test('policies of another program show no more rows, and break no read', async ({ databaseUrl }) => {
    const database = open(databaseUrl);
    const { sql } = database;
    await fill(database);
    await sql`create function theirs() returns boolean language plpgsql as 'begin return true; end'`;
    await sql`revoke all on function theirs() from public`;
    for (const [table, column] of TABLES) {
      await sql`create policy "Enable read access for all users" on ${sql(table)} for select using (true)`;
      await sql`create policy theirs on ${sql(table)} using (theirs())`;
      const rows = await sql.begin(async (tx) => {
        await restrict(tx, [OURS]);
        return await tx<{ id: number }[]>`select ${tx(column)} as id from ${tx(table)}`;
      });
      expect(rows, table).toEqual([{ id: OURS }]);
    }
  });

  test('a start replaces the policy of earlier versions, beside which others counted', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    const policies = () => sql`select polname as name, polpermissive as permissive,
        pg_get_expr(polqual, polrelid) as rule, obj_description(oid, 'pg_policy') as comment
      from pg_policy where polrelid = 'patients'::regclass order by polname`;
    const expected = await policies();
    expect(expected).toMatchObject([
      { name: 'organization_isolation', permissive: false },
      { name: 'organization_isolation_decides', permissive: true, rule: 'true' },
    ]);
    await sql`drop policy organization_isolation_decides on patients`;
    await sql`drop policy organization_isolation on patients`;
    await sql.unsafe(`create policy organization_isolation on patients using (${expected[0]?.rule});
      comment on policy organization_isolation on patients is '${expected[0]?.comment.replaceAll("'", "''")}'`);
    await prepareDatabase({ url: databaseUrl, readers: [] });
    expect(await policies()).toEqual(expected);
  });

  test('a session that names no organization reads no rows', async ({ databaseUrl }) => {
    const database = open(databaseUrl);
    await fill(database);
    await database.sql.begin(async (tx) => {
      await tx`set local role patient_sync_reader`;
      expect(await tx`select 1 from patients`).toHaveLength(0);
    });
    // And the session is reset.
    expect(await database.sql`select 1 from patients`).toHaveLength(2);
  });
});

describe('a route that forgets its where', () => {
  test('answers with what its token holds, by either way to the database', async ({ databaseUrl }) => {
    const database = open(databaseUrl);
    await fill(database);
    const rowLevelSecurity = await createRowLevelSecurity(database, SILENT);
    expect(rowLevelSecurity.kind).toBe('role');
    // Taken apart before any request, as a route may do when it is mounted.
    const { sql, orm } = rowLevelSecurity.database;
    const ask = async (method: 'GET' | 'POST', organizations: GrantedOrganizations) => {
      const app = new Hono();
      app.use(async (c, next) => {
        c.set('principal', { ...UNRESTRICTED, actor: 'token:1', organizations });
        c.set('requirement', requirementFor(method, '/api/v1/careless'));
        await next();
      }, rowLevelSecurity.restrictReads());
      app.on(['GET', 'POST'], '/careless', async (c) => {
        const nested = await sql.begin(
          (tx) => tx<{ id: number }[]>`select id from organizations order by id`,
        );
        const [raw, plain, counted] = await Promise.all([
          sql<{ id: number }[]>`select organization_id as id from patients ${sql`order by 1`}`,
          orm.select({ id: organizationTable.id }).from(organizationTable).orderBy(organizationTable.id),
          orm.$count(patientTable),
        ]);
        return c.json([nested, raw, plain].map((rows) => rows.map(({ id }) => id)).concat([[counted]]));
      });
      return (await app.request('/careless', { method })).json();
    };
    expect(await ask('GET', new Set([OURS]))).toEqual([[OURS], [OURS], [OURS], [1]]);
    expect(await ask('GET', new Set())).toEqual([[], [], [], [0]]);
    const everything = [[OURS, THEIRS], [OURS, THEIRS], [OURS, THEIRS], [2]];
    expect(await ask('GET', '*')).toEqual(everything);
    // Statements of the sync engine are not restricted.
    expect(await ask('POST', new Set([OURS]))).toEqual(everything);
  });
});

describe('a route that waits for another service', () => {
  test('holds no connection after its last read, and cannot read unrestricted', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    await fill(database);
    const { database: restricted, endReads, restrictReads } = await createRowLevelSecurity(database, SILENT);
    const app = new Hono();
    app.use(async (c, next) => {
      c.set('principal', { ...UNRESTRICTED, actor: 'token:1', organizations: new Set([OURS]) });
      c.set('requirement', requirementFor('GET', '/api/v1/slow'));
      await next();
    }, restrictReads());
    app.get('/slow', async (c) => {
      const before = await restricted.sql`select 1 from patients`;
      const [limits] = await restricted.sql`
        select current_setting('statement_timeout') as one, current_setting('idle_in_transaction_session_timeout') as idle`;
      expect(limits).toEqual({ one: '15s', idle: '30s' });
      endReads();
      // The only connection of the pool, so this waits until the transaction has ended.
      const elsewhere = await database.sql`select 1 from patients`;
      expect(() => restricted.sql`select 1`).toThrow('The reads of this request have ended.');
      return c.json([before.length, elsewhere.length]);
    });
    expect(await (await app.request('/slow')).json()).toEqual([1, 2]);
  });
});

describe('a route that reads unrestricted in its transaction', () => {
  test('is answered for more tokens at once than the pool has connections', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    await fill(database);
    const { database: restricted, restrictReads } = await createRowLevelSecurity(database, SILENT);
    const app = new Hono();
    app.use(async (c, next) => {
      c.set('principal', { ...UNRESTRICTED, actor: 'token:1', organizations: new Set([OURS]) });
      c.set('requirement', requirementFor('GET', '/api/v1/twice'));
      await next();
    }, restrictReads());
    app.get('/twice', async (c) => {
      const held = await restricted.sql`select 1 from patients`;
      const all = await database.sql`select 1 from patients`;
      return c.json([held.length, all.length]);
    });
    const answers = Array.from({ length: 8 }, async () => await (await app.request('/twice')).json());
    expect(await Promise.all(answers)).toEqual(answers.map(() => [1, 2]));
  });
});

describe('the server with READ_DATABASE_URL', () => {
  test('answers bound tokens that poll histories at once with the smallest pool', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { databasePoolMax: 3, readDatabaseUrl: databaseUrl },
    });
    const token = await server.token({ organizations: [101] });
    const paths = ['/cliniko/sync-logs/101?limit=50', '/cliniko/analytics/101', '/overview'];
    const asked = [...paths, ...paths, ...paths].map(async (path) => (await server.as(token, path)).status);
    expect(await Promise.all(asked)).toEqual(asked.map(() => 200));
  });
});

/** A database whose user has no rights except ownership. */
async function databaseOfPlainUser(): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const admin = connectPostgres(inject('databaseAdminUrl'));
  const inside = connectPostgres(database.url);
  const user = `u_${randomBytes(6).toString('hex')}`;
  const name = new URL(database.url).pathname.slice(1);
  await admin.unsafe(`create role ${user} login password 'plain' nosuperuser nocreaterole`);
  await inside.unsafe(`drop schema public cascade; drop schema if exists drizzle cascade;
    create schema public authorization ${user};
    revoke connect on database ${name} from public; grant connect, create on database ${name} to ${user}`);
  await inside.end();
  onTestFinished(async () => {
    await admin.unsafe(`drop role ${user}`).catch(() => {});
    await admin.end();
  });
  const url = new URL(database.url);
  url.username = user;
  url.password = 'plain';
  return url.href;
}

describe('a database user who may not have the role', () => {
  test('gets a warning, and the server works as before', async () => {
    const url = await databaseOfPlainUser();
    const server = await startGuardedServer(url, { patients: 30, organizations: [OURS, THEIRS] });
    expect(server.logged()).toMatch(
      /\[WARN\] Row-level security is missing: the server cannot use the role patient_sync_reader,.*GRANT patient_sync_reader TO u_\w+/,
    );
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
      status: 'ready',
      checks: { row_security: 'none', other_roles: [] },
    });
    for (const id of [OURS, THEIRS]) {
      const stream = await openStream(server.streamUrl(id), { authorization: `Bearer ${server.admin}` });
      await server.as(server.admin, `/cliniko/sync-all/${id}`, { method: 'POST' });
      await stream.until(hasEnded);
      stream.close();
    }
    const { sql } = server.database;
    expect(await sql`select count(*)::int as count from patients`).toEqual([{ count: 60 }]);
    const token = await server.token({ organizations: [OURS] });
    expect(await (await server.as(token, `/cliniko/patients/${OURS}/summary`)).json()).toMatchObject({
      total: 30,
    });
    expect((await server.as(token, `/cliniko/patients/${THEIRS}/summary`)).status).toBe(403);
  });

  test('sees and writes every row of sync_logs, as other programs do', async () => {
    const url = await databaseOfPlainUser();
    await startTestServer(url, { organizations: [] });
    const externalWriter = connectInTest(url);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'theirs', 'running', now()), (8, 'theirs', 'running', now())`;
    await externalWriter`update sync_logs set status = 'completed', completed_at = now()`;
    expect(await externalWriter`delete from sync_logs returning organization_id as id`).toEqual([
      { id: 7 },
      { id: 8 },
    ]);
    expect(
      await externalWriter`select relrowsecurity as on, relforcerowsecurity as forced
      from pg_class where oid = 'sync_logs'::regclass`,
    ).toEqual([{ on: true, forced: false }]);
  });
});
