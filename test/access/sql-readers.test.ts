/** SQL readers: logins of PostgreSQL that see one clinic, and change nothing. The commands run as real processes. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { describe, expect, inject, onTestFinished } from 'vitest';
import {
  createSqlReader,
  listSqlReaders,
  type NewSqlReader,
  revokeSqlReader,
} from '../../src/access/sql-readers.ts';
import { createReader } from '../../src/cli/sql-reader.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/open.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { createPlatform, type Platform, reachOf } from '../database/support/platform.ts';
import { builtEntry } from '../support/build-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';

const DENIED = { code: '42501' };
const [OURS, THEIRS] = [1, 2];

const RAW = {
  sex: 'Female',
  city: ' Darwin ',
  state: '',
  accepted_privacy_policy: true,
  accepted_sms_marketing: null,
  patient_phone_numbers: [{ number: '0491 570 156', phone_type: 'Mobile', normalized_number: '61491570156' }],
  referring_doctor: { links: { self: 'https://api.au1.cliniko.com/v1/contacts/1301639672946719280' } },
  medicare: '0000045740',
};

/** Two clinics, each with a patient that is current, one that is missing and one that is merged. */
async function fill(owner: Sql): Promise<void> {
  for (const id of [OURS, THEIRS]) {
    await owner`insert into organizations (id, country, time_zone, validation) values (${id}, 'AU', 'UTC', '{}')`;
    await owner`
      insert into patients (organization_id, cliniko_patient_id, first_name, raw, content_hash, warnings, missing_since, merged_into)
      values (${id}, '1', 'Quokka', ${JSON.stringify(RAW)}::text::jsonb, '', 0, null, null),
        (${id}, '2', 'Quokka', '{"patient_phone_numbers": "none", "sex": {}}', '', 0, now(), null),
        (${id}, '3', 'Quokka', '[]', '', 0, null, '1')`;
    await owner`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${id}, 'x', 'failed', now())`;
  }
}

/** The commands, for the database of a platform. */
function commands(url: string) {
  return async (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    await promisify(execFile)(process.execPath, [builtEntry('cli/tokens'), ...args], {
      env: { ...process.env, DATABASE_URL: url },
    });
}

const newName = () => `r_${randomBytes(6).toString('hex')}`;

async function preparePlatform() {
  const platform = await createPlatform();
  const roles = await migrate(platform.ownerUrl);
  const database = openDatabase(platform.ownerUrl, { max: 2 });
  onTestFinished(() => database.close());
  await fill(database.sql);
  /** As the command does it. */
  const create = async (reader: Partial<NewSqlReader>) => {
    const role = newName();
    const defaults = {
      organizations: [OURS],
      raw: true,
      identifiers: false,
      expiresInDays: 365,
      connections: 5,
    };
    const { password } = await createSqlReader(
      database,
      { role, ...defaults, statementSeconds: 300, ...reader },
      roles,
    );
    return { role, password };
  };
  const tokens = commands(platform.ownerUrl);
  return { platform, database, roles, owner: database.sql, create, tokens };
}

/** Connects with the password that the command printed. */
async function connectReader(platform: Platform, role: string, password: string): Promise<Sql> {
  // The databases of these tests are closed to PUBLIC, and belong to another role than the tables.
  const database = new URL(platform.ownerUrl).pathname.slice(1);
  const cluster = connectPostgres(inject('databaseAdminUrl'));
  await cluster.unsafe(`grant connect on database ${database} to ${role}`);
  onTestFinished(async () => {
    await cluster.unsafe(`drop owned by ${role} cascade`).catch(() => {});
    await platform.admin.unsafe(`drop owned by ${role} cascade`).catch(() => {});
    await cluster.unsafe(`drop role ${role}`).catch(() => {});
    await cluster.end();
  });
  const url = new URL(platform.ownerUrl);
  [url.username, url.password] = [role, password];
  return connectInTest(url.href);
}

const organizationsIn = async (sql: Sql, table: string, column = 'organization_id') =>
  (await sql.unsafe(`select distinct ${column} as id from ${table} order by 1`)).map(({ id }) => id);

const READER_VIEWS = ['patients', 'patients_current', 'patient_details', 'sync_logs'];

describe('an SQL reader of one clinic', () => {
  test('reads its rows in the tables for readers, without raw, and nothing else', async () => {
    const { platform, owner, create, tokens } = await preparePlatform();
    const { role: otherRole } = await create({ organizations: [THEIRS] });
    const role = newName();
    const { stdout, stderr } = await tokens(
      'sql-reader',
      '--name',
      role,
      '--organizations',
      '1',
      '--without-raw',
      '--timeout',
      '20',
      '--connections',
      '2',
    );
    expect(stdout).toMatch(/^[\w-]{43}\n$/);
    expect(stderr).toContain(`The role ${role} reads organization 1 for 365 days.`);
    expect(stderr).toContain('GRANT CONNECT ON DATABASE');
    const reader = await connectReader(platform, role, stdout.trim());

    for (const view of READER_VIEWS) expect(await organizationsIn(reader, view), view).toEqual([OURS]);
    expect(await organizationsIn(reader, 'organizations', 'id')).toEqual([OURS]);
    expect(await reader`select cliniko_patient_id as id from patients_current`).toEqual([{ id: '1' }]);
    for (const held of ['{1,2}', '{2}', '']) {
      await reader`select set_config('patient_sync.organizations', ${held}, false)`;
      for (const view of READER_VIEWS) expect(await organizationsIn(reader, view), view).toEqual([OURS]);
    }
    // Nor does it learn which organizations another reader has.
    expect(await reader`select sync_sql_reader_organizations(${otherRole}) as ids`).toEqual([{ ids: null }]);
    await tokens('revoke', '--sql-reader', otherRole);
    await expect(reader`select raw from patients`).rejects.toMatchObject(DENIED);
    await expect(reader`select content_hash from patients`).rejects.toMatchObject(DENIED);
    await expect(reader`select * from patients`).rejects.toMatchObject(DENIED);
    await expect(reader`select medicare from patient_identifiers`).rejects.toMatchObject(DENIED);

    // A session may set its own limits, and still writes nothing.
    await reader`set default_transaction_read_only = off`;
    await expect(reader`update patients set first_name = 'x'`).rejects.toMatchObject(DENIED);
    await expect(reader`insert into sync_logs (organization_id) values (1)`).rejects.toMatchObject(DENIED);
    await expect(reader`delete from patients_current`).rejects.toMatchObject(DENIED);
    await expect(reader`delete from patient_details`).rejects.toMatchObject(DENIED);
    await expect(reader`create table own (id integer)`).rejects.toMatchObject(DENIED);
    await expect(reader`set role patient_sync_reader`).rejects.toMatchObject(DENIED);
    await expect(reader.unsafe(`set role ${platform.owner}`)).rejects.toMatchObject(DENIED);
    const reach = [
      ['organizations', 'SELECT'],
      ['patient_details', 'SELECT'],
      ['patients', 'SELECT'],
      ['patients_current', 'SELECT'],
      ['sync_allowed_organizations', 'execute'],
      ['sync_is_restricted', 'execute'],
      ['sync_logs', 'SELECT'],
      ['sync_sql_reader_organizations', 'execute'],
      ['sync_visible_organizations', 'execute'],
    ].map(([object, rights]) => ({ object, rights }));
    expect(await reachOf(platform.admin, role)).toEqual(reach);

    // Another start changes nothing, gives back what was taken by hand, and takes what was given.
    await owner.unsafe(`revoke select (first_name) on patients from ${role}; grant select on quarantine, patient_identifiers to ${role};
      grant select on patients to ${role}`);
    await migrate(platform.ownerUrl);
    expect(await reachOf(platform.admin, role)).toEqual(reach);
    await expect(reader`select raw from patients`).rejects.toMatchObject(DENIED);
    expect(await reader`select first_name from patients where cliniko_patient_id = '1'`).toHaveLength(1);
  });

  test('with raw and identifiers reads the fields that are asked for often', async () => {
    const { platform, create } = await preparePlatform();
    const { role, password } = await create({ organizations: [THEIRS], identifiers: true });
    const reader = await connectReader(platform, role, password);
    expect(
      await reader`select organization_id as id, raw ->> 'sex' as sex from patients where cliniko_patient_id = '1'`,
    ).toEqual([{ id: THEIRS, sex: 'Female' }]);
    expect(
      await reader`select patient_state, sex, city, state, accepted_privacy_policy as privacy, accepted_sms_marketing as sms,
        phones #>> '{0,normalized_number}' as phone, referring_doctor_id as doctor
        from patient_details where cliniko_patient_id = '1'`,
    ).toEqual([
      {
        patient_state: 'active',
        sex: 'Female',
        city: 'Darwin',
        state: null,
        privacy: true,
        sms: null,
        phone: '61491570156',
        doctor: '1301639672946719280',
      },
    ]);
    expect(
      await reader`select cliniko_patient_id as id, patient_state as state, phones::text from patient_details
      where cliniko_patient_id > '1' order by 1`,
    ).toEqual([
      { id: '2', state: 'missing', phones: '[]' },
      { id: '3', state: 'merged', phones: '[]' },
    ]);
    expect(
      await reader`select organization_id as id, medicare from patient_identifiers where medicare is not null`,
    ).toEqual([{ id: THEIRS, medicare: '0000045740' }]);
  });

  test('has a limited number of sessions and limited statements, and is no finding of /readyz', async () => {
    const { platform, create } = await preparePlatform();
    const server = await startTestServer(platform.ownerUrl, { organizations: [] });
    const { role, password } = await create({
      organizations: [OURS, THEIRS],
      connections: 1,
      statementSeconds: 20,
    });
    const reader = await connectReader(platform, role, password);
    const setting = async (name: string) =>
      (await reader`select current_setting(${name}) as value`)[0]?.value;
    expect(await setting('statement_timeout')).toBe('20s');
    expect(await setting('idle_in_transaction_session_timeout')).toBe('1min');
    expect(await setting('default_transaction_read_only')).toBe('on');
    expect(await setting('lock_timeout')).toBe('5s');
    expect(await organizationsIn(reader, 'patients')).toEqual([OURS, THEIRS]);
    const second = await connectReader(platform, role, password);
    await expect(second`select 1`).rejects.toMatchObject({ code: '53300' });
    const [stored] = await platform.admin`select rolpassword as password, rolinherit as inherits,
        rolvaliduntil between now() and now() + interval '400 days' as ends from pg_authid where rolname = ${role}`;
    const verifier = expect.stringMatching(/^SCRAM-SHA-256\$/);
    expect(stored).toEqual({ password: verifier, inherits: false, ends: true });
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ checks: { other_roles: [] } });
  });
});

describe('an SQL reader that is revoked', () => {
  test('loses its rights, its sessions and its role', async () => {
    const { platform, database, roles, owner, create, tokens } = await preparePlatform();
    const { role, password } = await create({ organizations: [OURS, THEIRS] });
    await expect(create({ role })).rejects.toThrow(`The database has a role ${role} already.`);
    const reader = await connectReader(platform, role, password);
    await eraseOrganization(database, OURS, { actor: 'test' });
    expect(await organizationsIn(reader, 'patients')).toEqual([THEIRS]);
    expect((await tokens('sql-readers')).stdout).toContain(`\n${role}\tactive\t2\tyes\tno\t`);

    await owner`update sql_readers set expires_at = now()`;
    expect(await organizationsIn(reader, 'patients')).toEqual([]);
    expect(await listSqlReaders(database)).toMatchObject([
      { role, state: 'expired', organizations: [THEIRS] },
    ]);

    // The grant that an administrator gave by hand keeps the role.
    expect((await tokens('revoke', '--sql-reader', role)).stdout).toMatch(
      /has no rights on the tables any more\. It cannot log in\. Its role remains/,
    );
    await expect(reader`select 1 from patients`).rejects.toThrow();
    expect(await reachOf(platform.admin, role)).toEqual([]);
    expect(await revokeSqlReader(database, role, roles)).toBeUndefined();

    const { role: other } = await create({});
    expect(await revokeSqlReader(database, other, roles)).toBe('dropped');
    expect(await owner`select from pg_roles where rolname = ${other}`).toHaveLength(0);
    expect(
      await owner`select action from audit_log where action like 'sql-reader.%' order by id`,
    ).toMatchObject(
      ['create', 'revoke', 'create', 'revoke'].map((verb) => ({ action: `sql-reader.${verb}` })),
    );
  });

  test('or was dropped by hand gives no other role of that name any right', async () => {
    const { platform, database, owner, create } = await preparePlatform();
    const { role } = await create({});
    await platform.admin.unsafe(
      `drop owned by ${role}; drop role ${role}; create role ${role} login password 'plain'`,
    );
    await migrate(platform.ownerUrl);
    expect(await listSqlReaders(database)).toMatchObject([{ role, state: 'dropped' }]);
    expect(await reachOf(platform.admin, role)).toEqual([]);
    await owner.unsafe(
      `grant select on patients to ${role}; grant all on all functions in schema public to ${role}`,
    );
    expect(await (await connectReader(platform, role, 'plain'))`select from patients`).toHaveLength(0);
  });
});

describe('an owner that may not create roles', () => {
  test('gets one line that says what to do', async () => {
    const platform = await createPlatform('nocreaterole');
    await migrate(platform.ownerUrl);
    const tokens = commands(platform.ownerUrl);
    await expect(tokens('sql-reader', '--name', newName(), '--organizations', '1')).rejects.toMatchObject({
      code: 1,
      stderr: `The role ${platform.owner} may not create roles. As an administrator of the database: ALTER ROLE ${platform.owner} CREATEROLE; or set MIGRATE_DATABASE_URL to the address of an owner that may. Then try again.\n`,
    });
  });
});

test.for([
  [['--organizations', '1'], '--name is missing.'],
  [['--name', 'pg_x', '--organizations', '1'], '--name must be a name of small letters'],
  [['--name', 'x', '--organizations', '*'], 'belongs into DATABASE_READERS'],
  [['--name', 'x'], '--organizations is missing.'],
] as const)('the command refuses %j', async ([args, message]) => {
  await expect(createReader(args, 'usage')).rejects.toThrow(message);
});
