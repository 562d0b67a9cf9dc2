/** Checks of `npm run doctor` for states of a database that a test cannot give to a whole process. */
import { describe, expect, vi } from 'vitest';
import { createRowLevelSecurity } from '../../src/access/row-level-security.ts';
import {
  checkClock,
  checkDefaults,
  checkRoom,
  checkRowLevelSecurity,
} from '../../src/cli/doctor/database-checks.ts';
import { checkLocks } from '../../src/cli/doctor/lock-check.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createOddDatabase } from '../database/support/odd-defaults.ts';
import { createPlatform } from '../database/support/platform.ts';
import { connectInTest, test } from '../support/database.ts';

const SILENT = createLogger({ level: 'fatal', format: 'json', colour: false });

/** Sessions of another role. */
const OTHERS = 12;

describe('the doctor', () => {
  test('warns when the pool needs more sessions than are free', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    expect(await checkRoom(sql, 3)).toMatchObject({
      check: 'connections',
      state: 'ok',
      detail: expect.stringContaining('opens up to 5 sessions'),
    });
    const [row] = await sql<{ most: number }[]>`select current_setting('max_connections')::int as most`;
    expect(await checkRoom(sql, row?.most ?? 0)).toMatchObject({
      check: 'connections',
      state: 'warning',
      detail: expect.stringMatching(/free\. Raise max_connections, or set DATABASE_POOL_MAX lower/),
    });
  });

  test.for(['statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'])(
    'warns when %s of the role is too short',
    async (name) => {
      const usual = await createOddDatabase({ [name]: '60s' });
      expect(await checkDefaults(connectInTest(usual.url))).toMatchObject({ state: 'ok' });
      const short = await createOddDatabase({ [name]: '9s', lock_timeout: '1s' });
      expect(await checkDefaults(connectInTest(short.url))).toMatchObject({
        state: 'warning',
        detail: expect.stringMatching(
          new RegExp(`^${name} is too short for a busy database: ALTER ROLE u_\\w+ SET ${name} = '60s'$`),
        ),
      });
    },
  );

  test('warns when the role or the database may have fewer sessions than a server opens', async () => {
    const { owner, ownerUrl, admin } = await createPlatform('');
    const [database] = await admin<{ name: string }[]>`select format('%I', current_database()) as name`;
    const finding = () => checkRoom(connectInTest(ownerUrl), 10);
    expect(await finding()).toMatchObject({ state: 'ok' });
    await admin.unsafe(`alter database ${database?.name} connection limit 14`);
    expect(await finding()).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/of 14 are free\. Raise the CONNECTION LIMIT of the database, or set/),
    });
    await admin.unsafe(`alter role ${owner} connection limit 5`);
    expect(await finding()).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/of 5 are free\. Raise the CONNECTION LIMIT of the role, or set/),
    });
  });

  test('names a transaction of another role that keeps a clinic locked', async () => {
    const { admin, createRole, ownerUrl, urlOf } = await createPlatform();
    await migrate(ownerUrl);
    const role = await createRole();
    await admin.unsafe(
      `grant select, update on organizations to ${role}; grant select on patients to ${role}`,
    );
    const owner = connectInTest(ownerUrl);
    await connectInTest(urlOf(role)).begin(async (other) => {
      await other`lock table patients in access share mode`;
      expect(await checkLocks(owner)).toMatchObject({ check: 'locks', state: 'ok' });
      await other`lock table organizations in row exclusive mode`;
      const [holder] = await other<{ pid: number }[]>`
        select pg_backend_pid() as pid, set_config('application_name', 'panel', false)`;
      expect(await checkLocks(owner)).toEqual({
        check: 'locks',
        state: 'warning',
        detail: `panel, process ${holder?.pid} of the role ${role} has kept rows or tables locked for more than 2 s: organizations. Syncs may wait for its transaction and fail. End it there, or as its role or a superuser: SELECT pg_terminate_backend(${holder?.pid})`,
      });
    });
    expect(await checkLocks(owner)).toMatchObject({ state: 'ok' });
  });

  test('counts the sessions of other roles, which PostgreSQL hides from an ordinary owner', async () => {
    const platform = await createPlatform('');
    const others = connectInTest(platform.urlOf(await platform.createRole()), { max: OTHERS });
    await Promise.all(Array.from({ length: OTHERS }, () => others`select pg_sleep(0.1)`));
    const [server] = await platform.admin<{ most: number; reserved: number; open: number }[]>`
      select current_setting('max_connections')::int as most,
        current_setting('superuser_reserved_connections')::int as reserved,
        (select count(*)::int from pg_stat_activity where datname = current_database()) as open`;
    if (server === undefined) throw new Error('A select without FROM has a row.');
    expect(server.open).toBeGreaterThan(OTHERS);

    const { detail } = await checkRoom(connectInTest(platform.ownerUrl), 3);
    const free = Number(/; (\d+) of/.exec(detail)?.[1]);
    // Tests that run beside this one have sessions too.
    expect(free).toBeLessThanOrEqual(server.most - server.reserved - server.open);
  });

  test.for([
    [-3_600_000, 'ahead of'],
    [3_600_000, 'behind'],
  ] as const)('warns when its own clock differs by %i ms', async ([ms, words], { databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    expect(await checkClock(sql)).toMatchObject({ check: 'clock', state: 'ok' });
    const { now } = Date;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
    const finding = await checkClock(sql);
    clock.mockRestore();
    expect(finding).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(new RegExp(`The clock of the database is (3599|3600|3601) s ${words}`)),
    });
  });
});

describe('the doctor about row-level security', () => {
  test.for([
    ['', 'has no right to grant it'],
    ['createrole', 'may create roles, but did not create this one'],
  ] as const)('names the GRANT when the role exists and the owner (%j) %s', async ([options]) => {
    const { owner, ownerUrl, admin } = await createPlatform(options);
    // The role belongs to the cluster: another database made it, and this owner is not granted it.
    await admin.unsafe(`revoke patient_sync_reader from ${owner}`);
    await migrate(ownerUrl);
    const sql = connectInTest(ownerUrl);

    expect(await kindOfServer(ownerUrl)).toBe('none');
    const finding = await checkRowLevelSecurity(sql, owner);
    expect(finding).toMatchObject({ check: 'row-level-security', state: 'warning' });

    const [, advice = ''] = /As a superuser: (.+); then start the server again/.exec(finding.detail) ?? [];
    expect(advice).toBe(`GRANT patient_sync_reader TO "${owner}"`);
    await admin.unsafe(advice);
    await migrate(ownerUrl);
    expect(await checkRowLevelSecurity(sql, owner)).toMatchObject({ state: 'ok' });
    expect(await kindOfServer(ownerUrl)).toBe('role');
  });
});

async function kindOfServer(url: string): Promise<string> {
  const database = openDatabase(url, { max: 3 });
  const { kind } = await createRowLevelSecurity(database, SILENT).finally(database.close);
  return kind;
}
