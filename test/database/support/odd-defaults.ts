/** Databases whose role has unusual defaults. */
import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { inject, onTestFinished } from 'vitest';
import { createEmptyDatabase } from '../../support/database.ts';
import { connectPostgres } from '../../support/postgres.ts';

export const ODD_DEFAULTS = {
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  search_path: 'elsewhere, pg_catalog',
  DateStyle: 'SQL, DMY',
  TimeZone: 'Australia/Lord_Howe',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  row_security: 'off',
  extra_float_digits: '-15',
  transform_null_equals: 'on',
  array_nulls: 'off',
  quote_all_identifiers: 'on',
  check_function_bodies: 'off',
  plan_cache_mode: 'force_generic_plan',
  client_min_messages: 'debug5',
  standard_conforming_strings: 'off',
  idle_session_timeout: '50ms',
};

/**
 * An empty database of a role with these defaults; the end of the test drops both.
 * @returns `sql` as a superuser with usual defaults
 */
export async function createOddDatabase(
  settings: Record<string, string>,
): Promise<{ url: string; sql: Sql }> {
  const { url, sql } = await createEmptyDatabase();
  const admin = connectPostgres(inject('databaseAdminUrl'));
  const role = `u_${randomBytes(6).toString('hex')}`;
  const database = new URL(url).pathname.slice(1);
  await admin.unsafe(`create role ${role} login password 'odd' createrole`);
  await sql.unsafe(`create schema elsewhere; grant create on database ${database} to ${role};
    alter schema public owner to ${role}; alter schema elsewhere owner to ${role}`);
  for (const [name, value] of Object.entries(settings)) {
    await admin.unsafe(`alter role ${role} set ${name} = ${name === 'search_path' ? value : `'${value}'`}`);
  }
  onTestFinished(async () => {
    await sql.unsafe(`drop owned by ${role} cascade`);
    await admin.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  const own = new URL(url);
  [own.username, own.password] = [role, 'odd'];
  return { url: own.href, sql };
}
