/** The database, as a server would use it: rights, objects of others, grants, LISTEN, room, clock and key. It changes nothing. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { assertNoConflictingObjects } from '../../database/conflicting-objects.ts';
import { DatabaseStartError } from '../../database/database-failure.ts';
import { connect } from '../../database/driver.ts';
import { TIME_LIMITS } from '../../database/lift-limits.ts';
import { type Journal, readJournal } from '../../database/migration-journal.ts';
import { readOwnObjects } from '../../database/own-objects.ts';
import { sessionsOf } from '../../database/pool-share.ts';
import { findRolesWithMore, quote, ROW_SECURITY_ROLE } from '../../database/revoke-privileges.ts';
import { findRowSecurityGap, mayUseRowSecurityRole } from '../../database/roles.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const LISTEN_LIMIT_MS = 3_000;
const CLOCK_LIMIT_MS = 5_000;
const SHORTEST_LIMIT_MS = 10_000;

/** Tables, rights and migrations, asked of the role that migrates. */
export async function checkRights(sql: Sql): Promise<Finding[]> {
  let journal: Journal;
  try {
    const found = await readJournal(sql);
    journal = found;
    await sql.begin((tx) => assertNoConflictingObjects(tx, found.schema === 'none'));
  } catch (error) {
    if (error instanceof DatabaseStartError) return [failure('tables', error.message)];
    throw error;
  }
  const { schema, pending } = journal;
  const [rights] = await sql<{ create: boolean; role: string }[]>`
    select coalesce(has_schema_privilege(to_regnamespace('public'), 'CREATE'), false) as create, quote_ident(current_user) as role`;
  if (pending.length > 0 && rights?.create !== true) {
    return [
      failure(
        'rights',
        `The role may not create tables. As the owner: GRANT USAGE, CREATE ON SCHEMA public TO ${rights?.role}`,
      ),
    ];
  }
  return [
    ok('tables', 'No object of another program has a name that this server needs.'),
    ok('rights', describePending(schema, pending.length)),
  ];
}

function describePending(schema: Journal['schema'], pending: number): string {
  if (pending === 0) return 'The schema is the newest.';
  if (schema === '0.1') return 'The next start upgrades the tables of version 0.1.';
  return `The next start applies ${pending} migrations.`;
}

/**
 * @param sql as the role that migrates
 * @param user the role of the servers
 */
export async function checkRowLevelSecurity(sql: Sql, user: string): Promise<Finding> {
  const gap = await findRowSecurityGap(sql, user);
  if (gap === 'none') {
    return ok(
      'row-level-security',
      'Requests that are restricted to organizations run under a role that owns nothing.',
    );
  }
  const grant = `GRANT ${ROW_SECURITY_ROLE} TO ${quote(user)}`;
  const create = gap === 'role' ? `CREATE ROLE ${ROW_SECURITY_ROLE} NOLOGIN; ` : '';
  return warning(
    'row-level-security',
    `Row-level security is missing: the server's role may not act as the role ${ROW_SECURITY_ROLE}, so only the conditions in the statements restrict the reads of a token. As a superuser: ${create}${grant}; then start the server again`,
  );
}

/** @param sql as the role of the servers */
export async function checkGrants(
  sql: Sql,
  server: string | undefined,
  readers: readonly string[],
): Promise<Finding[]> {
  if ((await readJournal(sql)).schema !== 'current') return [];
  const hasRowSecurityRole = await mayUseRowSecurityRole(sql, await readRole(sql));
  const roles = await findRolesWithMore(sql, await readOwnObjects(), { server, readers, hasRowSecurityRole });
  if (roles.length === 0) return [ok('grants', 'No other role has rights on the tables.')];
  return [
    warning(
      'grants',
      `Roles with more rights than they need: ${roles.join(', ')}. The next start of the server revokes the rights on our own objects; revoke rights on views of other programs, and memberships, as an administrator. Add a role that reads the tables to DATABASE_READERS.`,
    ),
  ];
}

export async function readRole(sql: Sql): Promise<string> {
  const [self] = await sql<{ role: string }[]>`select current_user as role`;
  return self?.role ?? '';
}

/** A pooler in transaction mode takes LISTEN and drops it. */
export async function checkListen(url: string): Promise<Finding> {
  const channel = `patient_sync_doctor_${randomBytes(6).toString('hex')}`;
  const received = new AbortController();
  const listener = connect(url, {
    max: 1,
    prepare: false,
    connect_timeout: 5,
    onnotify: () => received.abort(),
  });
  const sender = connect(url, { max: 1, prepare: false, connect_timeout: 5 });
  try {
    await listener.unsafe(`listen ${channel}`);
    await sender`select pg_notify(${channel}, '')`;
    await delay(LISTEN_LIMIT_MS, undefined, { signal: received.signal }).catch(() => {});
    return received.signal.aborted
      ? ok('listen', 'LISTEN works.')
      : failure(
          'listen',
          'LISTEN does not work: the address goes through a pooler. Set LISTEN_DATABASE_URL to a direct connection to the same database.',
        );
  } finally {
    await Promise.all([listener.end({ timeout: 1 }), sender.end({ timeout: 1 })]);
  }
}

/** PostgreSQL hides the kind of a session of another role from an ordinary role. Such a session has a role and a database. */
export async function checkRoom(sql: Sql, poolMax: number): Promise<Finding> {
  const [tightest] = await sql<{ what: string; most: number; free: number }[]>`
    with session as (
      select usesysid, datid from pg_stat_activity where backend_type = 'client backend'
        or backend_type is null and usesysid is not null and datid is not null)
    select 'max_connections' as what, current_setting('max_connections')::int as most,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - (select count(*)::int from session) as free
    union all
    select 'the CONNECTION LIMIT of the role', rolconnlimit,
      rolconnlimit - (select count(*)::int from session where usesysid = pg_roles.oid)
    from pg_roles where rolname = session_user and rolconnlimit >= 0 and not rolsuper
    union all
    select 'the CONNECTION LIMIT of the database', datconnlimit,
      datconnlimit - (select count(*)::int from session where datid = pg_database.oid)
    from pg_database where datname = current_database() and datconnlimit >= 0
    order by free limit 1`;
  const needed = sessionsOf(poolMax);
  const room = `A server opens up to ${needed} sessions; ${tightest?.free} of ${tightest?.most} are free.`;
  if ((tightest?.free ?? 0) >= needed) return ok('connections', room);
  return warning('connections', `${room} Raise ${tightest?.what}, or set DATABASE_POOL_MAX lower.`);
}

/** Defaults of the role that are not overruled: see database/session.ts. */
export async function checkDefaults(sql: Sql): Promise<Finding> {
  const [row] = await sql<
    { readOnly: boolean; replica: boolean; limit: string | null; isolation: string; role: string }[]
  >`
    select current_setting('transaction_read_only') = 'on' as "readOnly",
      current_setting('session_replication_role') <> 'origin' as replica, quote_ident(current_user) as role,
      (select name from pg_settings where name in ${sql(TIME_LIMITS)} and setting::int between 1 and ${SHORTEST_LIMIT_MS - 1}
        order by setting::int limit 1) as limit,
      current_setting('default_transaction_isolation') as isolation`;
  if (row?.readOnly)
    return failure(
      'defaults',
      `The database is read-only here. Use the address of the primary, or: ALTER ROLE ${row.role} SET default_transaction_read_only = off`,
    );
  if (row?.replica)
    return failure(
      'defaults',
      `The role bypasses triggers. As a superuser: ALTER ROLE ${row.role} RESET session_replication_role`,
    );
  if (row?.limit) {
    return warning(
      'defaults',
      `${row.limit} is too short for a busy database: ALTER ROLE ${row.role} SET ${row.limit} = '60s'`,
    );
  }
  return ok('defaults', `Isolation is ${row?.isolation}; each session sets what it needs.`);
}

export async function checkClock(sql: Sql): Promise<Finding> {
  const before = Date.now();
  const [row] = await sql<
    { ms: number }[]
  >`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`;
  const aheadMs = Math.round((row?.ms ?? 0) - (before + Date.now()) / 2);
  return clockFinding('clock', 'the database', aheadMs);
}

export function clockFinding(check: string, whose: string, aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= CLOCK_LIMIT_MS) return ok(check, `The clocks of this machine and ${whose} agree.`);
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return warning(
    check,
    `The clock of ${whose} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's. Synchronize both with NTP: leases and the times of runs depend on them.`,
  );
}
