/**
 * SQL readers: login roles of PostgreSQL for analysts. A reader sees the rows of its organizations in the tables for readers, and
 * nothing else.
 *
 * PostgreSQL knows the password, we store none. Our table `sql_readers` says what a reader may see; each start and
 * `revokeFromOthers` set its rights from there.
 *
 * Not here: the rights themselves (database/revoke-privileges.ts, database/reader-privileges.ts).
 */
import { createHmac, hash, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { ISql } from 'postgres';
import { appendAudit } from '../audit/append.ts';
import { MIGRATION_LOCK } from '../database/migrate.ts';
import type { Database, Tx } from '../database/open.ts';
import { readOwnObjects } from '../database/own-objects.ts';
import { type DatabaseRoles, quote, revokeFromOthers } from '../database/revoke-privileges.ts';
import { attempt } from '../database/roles.ts';
import { databaseError } from '../logging/safe-error.ts';
import { OPERATOR } from './api-tokens.ts';

export interface NewSqlReader {
  role: string;
  organizations: readonly number[];
  /** Whether it reads `patients.raw`. */
  raw: boolean;
  /** Whether it reads Medicare and DVA numbers, in the view `patient_identifiers`. */
  identifiers: boolean;
  expiresInDays: number;
  /** How many sessions it may open at once. */
  connections: number;
  /** The limit of its statements, unless the session sets another one. */
  statementSeconds: number;
}

export interface ListedSqlReader {
  role: string;
  organizations: number[];
  raw: boolean;
  identifiers: boolean;
  created: string;
  expires: string;
  /** `dropped`: by another program, or the database was restored in another cluster. */
  state: 'active' | 'expired' | 'dropped';
}

/** The database does not allow it. The message is one line that says what to do. */
export class SqlReaderError extends Error {
  override readonly name = 'SqlReaderError';
}

const MISSING_RIGHT = '42501';
const DUPLICATE = '42710';
const DEPENDENT_OBJECTS = '2BP01';

/** The longest time that a transaction of a reader may be idle: it holds back the clean-up of old rows. */
const IDLE_SECONDS = 60;

/**
 * Creates the role and gives it its rights.
 *
 * @param database of the owner of the tables
 * @returns the password, which is not stored in clear anywhere, and what an administrator should do
 * @throws SqlReaderError
 */
export async function createSqlReader(
  { sql }: Database,
  reader: NewSqlReader,
  roles: DatabaseRoles,
): Promise<{ password: string; advice: string[] }> {
  const password = randomBytes(32).toString('base64url');
  const own = await readOwnObjects();
  const advice = await sql.begin(async (tx) => {
    // With this lock no server that starts now revokes the rights.
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    await createRole(tx, reader, password);
    await limitRole(tx, reader);
    await tx`
      insert into sql_readers (role_name, role_oid, organizations, raw, identifiers, expires_at)
      select rolname, oid, ${[...reader.organizations]}::int[], ${reader.raw}, ${reader.identifiers},
        now() + make_interval(days => ${reader.expiresInDays}::int)
      from pg_roles where rolname = ${reader.role}
      on conflict (role_name) do update set role_oid = excluded.role_oid, organizations = excluded.organizations,
        raw = excluded.raw, identifiers = excluded.identifiers, created_at = now(), expires_at = excluded.expires_at`;
    await revokeFromOthers(tx, own, roles);
    await audit(tx, 'sql-reader.create', reader.role);
    return await adviceFor(tx, reader.role);
  });
  return { password, advice };
}

/** @throws SqlReaderError */
async function createRole(tx: Tx, { role, connections }: NewSqlReader, password: string): Promise<void> {
  const create = (secret: string) =>
    tx.savepoint((inner) =>
      inner.unsafe(
        `CREATE ROLE ${quote(role)} LOGIN NOINHERIT CONNECTION LIMIT ${connections} PASSWORD '${secret}'`,
      ),
    );
  try {
    // As a verifier, so that the password is in no log of statements.
    await create(scramVerifier(password)).catch(async (error: unknown) => {
      if ([MISSING_RIGHT, DUPLICATE].includes(databaseError(error)?.code ?? '')) throw error;
      // Neon accepts only passwords in clear.
      await create(password);
    });
  } catch (error) {
    const code = databaseError(error)?.code;
    if (code === DUPLICATE) {
      throw new SqlReaderError(
        `The database has a role ${role} already. Choose another name, or drop the role first.`,
        { cause: error },
      );
    }
    if (code === MISSING_RIGHT) throw await missingRight(tx, error);
    throw error;
  }
}

async function missingRight(sql: ISql, cause: unknown): Promise<SqlReaderError> {
  const [self] = await sql<{ role: string }[]>`select format('%I', current_user) as role`;
  return new SqlReaderError(
    `The role ${self?.role} may not create roles. As an administrator of the database: ALTER ROLE ${self?.role} CREATEROLE; or set MIGRATE_DATABASE_URL to the address of an owner that may. Then try again.`,
    { cause },
  );
}

/** Defaults of its sessions. A session may set its limits itself; the number of sessions it may not. */
async function limitRole(tx: Tx, { role, statementSeconds, expiresInDays }: NewSqlReader): Promise<void> {
  const [end] = await tx<{ at: string }[]>`
    select (now() + make_interval(days => ${expiresInDays}::int))::text as at`;
  const settings = [
    'default_transaction_read_only = on',
    `statement_timeout = '${statementSeconds}s'`,
    `idle_in_transaction_session_timeout = '${IDLE_SECONDS}s'`,
    "lock_timeout = '5s'",
  ];
  const statements = settings.map((setting) => `ALTER ROLE ${quote(role)} SET ${setting}`);
  await tx.unsafe([`ALTER ROLE ${quote(role)} VALID UNTIL '${end?.at}'`, ...statements].join(';\n'));
  for (const right of [
    `GRANT USAGE ON SCHEMA public TO ${quote(role)}`,
    `GRANT CONNECT ON DATABASE ${quote(await databaseName(tx))} TO ${quote(role)}`,
  ]) {
    // Another role may own the schema or the database; then PUBLIC has the right, or the advice names it.
    await attempt(tx, right);
  }
}

async function databaseName(sql: ISql): Promise<string> {
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  return row?.name ?? '';
}

/** What the owner of the tables cannot change. */
async function adviceFor(sql: ISql, role: string): Promise<string[]> {
  const [row] = await sql<{ connect: boolean; usage: boolean; create: boolean; name: string }[]>`
    select has_database_privilege(${role}, current_database(), 'CONNECT') as connect,
      has_schema_privilege(${role}, 'public', 'USAGE') as usage, has_schema_privilege(${role}, 'public', 'CREATE') as create,
      format('%I', current_database()) as name`;
  return [
    ...(row?.connect === true
      ? []
      : [
          `The role may not connect. As the owner of the database: GRANT CONNECT ON DATABASE ${row?.name} TO ${quote(role)}`,
        ]),
    ...(row?.usage === true
      ? []
      : [`The role may not use the schema. As its owner: GRANT USAGE ON SCHEMA public TO ${quote(role)}`]),
    ...(row?.create === true
      ? [
          'Every role may create tables of its own in the schema public. As its owner: REVOKE CREATE ON SCHEMA public FROM PUBLIC',
        ]
      : []),
  ];
}

/** `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, as PostgreSQL stores it. */
function scramVerifier(password: string): string {
  const [salt, iterations] = [randomBytes(16), 4_096];
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest();
  const storedKey = hash('sha256', keyOf('Client Key'), 'base64');
  const serverKey = keyOf('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** By name. */
export async function listSqlReaders({ sql }: Database): Promise<ListedSqlReader[]> {
  const iso = (column: string) =>
    sql`to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
  return await sql<ListedSqlReader[]>`
    select role_name as role, organizations, raw, identifiers, ${iso('created_at')} as created, ${iso('expires_at')} as expires,
      case when not exists (select from pg_roles where rolname = role_name and oid = role_oid) then 'dropped'
        when expires_at <= now() then 'expired' else 'active' end as state
    from sql_readers order by role_name`;
}

/** `locked`: other databases of the cluster have rights or objects of the role. `unchanged`: another role administers it. */
export type RevokedRole = 'dropped' | 'locked' | 'unchanged';

/**
 * Takes every right from a reader, ends its sessions, and drops its role.
 *
 * @param database of the owner of the tables
 * @returns what became of the role; undefined when there is no such reader
 */
export async function revokeSqlReader(
  { sql }: Database,
  role: string,
  roles: DatabaseRoles,
): Promise<RevokedRole | undefined> {
  const own = await readOwnObjects();
  const left = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    const [removed] = await tx<{ isRole: boolean }[]>`
      delete from sql_readers where role_name = ${role}
      returning exists (select from pg_roles where rolname = role_name and oid = role_oid) as "isRole"`;
    if (removed === undefined) return undefined;
    await revokeFromOthers(tx, own, roles);
    await audit(tx, 'sql-reader.revoke', role);
    return removed.isRole ? await lockOut(tx, role) : 'dropped';
  });
  if (left !== 'locked') return left;
  try {
    await sql.unsafe(`DROP ROLE ${quote(role)}`);
    return 'dropped';
  } catch (error) {
    if (![DEPENDENT_OBJECTS, MISSING_RIGHT].includes(databaseError(error)?.code ?? '')) throw error;
    return 'locked';
  }
}

async function lockOut(tx: Tx, role: string): Promise<RevokedRole> {
  if (!(await attempt(tx, `ALTER ROLE ${quote(role)} NOLOGIN`))) return 'unchanged';
  // Only a member of a role may end its sessions.
  await attempt(tx, `GRANT ${quote(role)} TO CURRENT_USER`);
  await attempt(tx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
  await attempt(tx, `REVOKE USAGE ON SCHEMA public FROM ${quote(role)}`);
  await attempt(tx, `REVOKE CONNECT ON DATABASE ${quote(await databaseName(tx))} FROM ${quote(role)}`);
  return 'locked';
}

async function audit(tx: Tx, action: 'sql-reader.create' | 'sql-reader.revoke', role: string): Promise<void> {
  await appendAudit(tx, { organizationId: null, actor: OPERATOR, action, details: { role } });
}
