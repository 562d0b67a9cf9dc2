/**
 * The settings that our statements rely on, fixed for each session, so that a default of the role, the database or the
 * server does not change the meaning of a statement.
 *
 * They are sent as startup parameters, which override every default and cost no round trip. A pooler such as pgbouncer
 * rejects most parameters. Behind a pooler, the settings that differ become defaults of our own role in our own database,
 * which apply to every session that the pooler opens.
 *
 * Not here: limits. A `statement_timeout` of the role applies; the pools set `lock_timeout` (open.ts).
 */
import type { ISql } from 'postgres';
import type { Logger } from '../logging/logger.ts';
import { databaseError } from '../logging/safe-error.ts';
import { withConnection } from './driver.ts';

export type SessionSettings = Readonly<Record<string, string>>;

/** Every pooler accepts these parameters. */
const PASSED_ON: SessionSettings = {
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  standard_conforming_strings: 'on',
};

const PINNED: SessionSettings = {
  search_path: 'public',
  // A claim, a lease and a numbered event wait for a lock and then read the newest row. With a snapshot they would fail.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // When off, each read under a policy is an error.
  row_security: 'on',
  bytea_output: 'hex',
  extra_float_digits: '1',
  transform_null_equals: 'off',
  array_nulls: 'on',
  // Migrations and checks compare names and types as PostgreSQL prints them.
  quote_all_identifiers: 'off',
};

/** An idle listener is healthy. Behind a pooler, the pooler decides. */
const DIRECT_ONLY: SessionSettings = { idle_session_timeout: '0' };

/** The maximum number of idle sessions that a pooler in session mode assigns before it opens a new one. */
const POOLED_SESSIONS = 100;
const REFUSED_PARAMETER = '08P01';

/** The address leads to a standby. `explainDatabaseFailure` has the words, which name the variable. */
class StandbyError extends Error {
  override readonly name = 'StandbyError';
  readonly code = 'DATABASE_IS_STANDBY';
}

/** The start cannot continue with these defaults. The message is one line with the statement that fixes it. */
export class SessionSettingsError extends Error {
  override readonly name = 'SessionSettingsError';
}

/**
 * For the option `connection` of postgres.js.
 *
 * @param takesParameters `pinSession` says so; otherwise the defaults of our role are the rest of the settings
 */
export function sessionSettings({ takesParameters }: { takesParameters: boolean }): SessionSettings {
  return takesParameters ? { ...PASSED_ON, ...PINNED, ...DIRECT_ONLY } : PASSED_ON;
}

/**
 * Call it once at the start, before the pools open.
 *
 * @returns `takesParameters` of this address
 * @throws SessionSettingsError, StandbyError, PostgresError
 */
export async function pinSession(url: string, logger?: Logger): Promise<boolean> {
  if (await takesStartupParameters(url, assertUsable)) return true;
  for (let left = POOLED_SESSIONS; left > 0; left -= 1) {
    if (await withSession(url, false, (sql) => pinRoleDefaults(sql, logger))) return false;
  }
  throw new SessionSettingsError(
    'The pooler keeps sessions with old settings. Restart it, then start again, or set LISTEN_DATABASE_URL and DATABASE_URL to direct connections.',
  );
}

/** Changes nothing, so that a check can call it. @param check of the session */
export async function takesStartupParameters(
  url: string,
  check = async (_sql: ISql): Promise<void> => {},
): Promise<boolean> {
  try {
    return await withSession(url, true, async (sql) => {
      await check(sql);
      return (await readDifferent(sql)).length === 0;
    });
  } catch (error) {
    if (databaseError(error)?.code === REFUSED_PARAMETER) return false;
    throw error;
  }
}

/** @returns whether this session has the settings; if not, it is ended so that the pooler does not reuse it */
async function pinRoleDefaults(sql: ISql, logger: Logger | undefined): Promise<boolean> {
  await assertUsable(sql);
  const different = await readDifferent(sql);
  if (different.length === 0) return true;
  const [row] = await sql<{ role: string; database: string }[]>`
    select format('%I', session_user) as role, format('%I', current_database()) as database`;
  for (const name of different) {
    const statement = `ALTER ROLE ${row?.role} IN DATABASE ${row?.database} SET ${name} = '${PINNED[name]}'`;
    try {
      await sql.unsafe(statement);
    } catch (cause) {
      throw new SessionSettingsError(
        `The role of DATABASE_URL has another ${name} than Patient Sync needs, and its pooler refuses to set it. As the owner of the role: ${statement}`,
        { cause },
      );
    }
    logger?.info(
      `The pooler takes no startup parameters, so ${name} is now a default of our role: ${statement}`,
    );
  }
  await sql`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
  return false;
}

async function readDifferent(sql: ISql): Promise<string[]> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_settings where name in ${sql(Object.keys(PINNED))}`;
  return rows.filter(({ name, setting }) => setting !== PINNED[name]).map(({ name }) => name);
}

/**
 * Checks that the session can write, and two defaults that we do not override: read-only transactions, and disabled triggers,
 * which every stream relies on.
 */
async function assertUsable(sql: ISql): Promise<void> {
  const [row] = await sql<{ role: string; standby: boolean; read_only: boolean; replica: boolean }[]>`
    select format('%I', session_user) as role, current_setting('session_replication_role') <> 'origin' as replica,
      pg_is_in_recovery() as standby, current_setting('default_transaction_read_only') = 'on' as read_only`;
  if (row?.standby === true) throw new StandbyError('The database is a standby.');
  if (row?.read_only === true) {
    throw new SessionSettingsError(
      `The database is switched to read-only for the role of DATABASE_URL (default_transaction_read_only). When that is not meant: ALTER ROLE ${row.role} SET default_transaction_read_only = off`,
    );
  }
  if (row?.replica === true) {
    throw new SessionSettingsError(
      `The role of DATABASE_URL bypasses triggers (session_replication_role), so no client would see a change. As a superuser: ALTER ROLE ${row.role} RESET session_replication_role`,
    );
  }
}

async function withSession<T>(
  url: string,
  takesParameters: boolean,
  work: (sql: ISql) => Promise<T>,
): Promise<T> {
  const connection = { application_name: 'patient-sync start', ...sessionSettings({ takesParameters }) };
  return await withConnection(url, { connection }, work);
}
