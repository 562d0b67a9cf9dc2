/** Whether two addresses lead to the same database of the same PostgreSQL, however their hosts and poolers are named. */
import { randomInt } from 'node:crypto';
import { DatabaseStartError } from './database-failure.ts';
import { connect, THROUGH_POOLER } from './driver.ts';
import { sessionSettings } from './session.ts';

const HIGHEST_KEY = 2_147_483_647;

/**
 * Without it a start would create the tables in the database of the wrong address, and then miss them in that of `url`.
 *
 * A transaction at `url` holds a lock that a session at `otherUrl` looks for. Names and oids of databases can be equal on
 * two servers.
 *
 * @param variable the one that holds `otherUrl`
 * @throws DatabaseStartError, PostgresError
 */
export async function assertSameDatabase(url: string, otherUrl: string, variable: string): Promise<void> {
  const [one, other] = [openSession(url), openSession(otherUrl)];
  try {
    const key = randomInt(1, HIGHEST_KEY);
    await one.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock_shared(${key}::int, ${key}::int)`;
      const [seen] = await other<{ same: boolean }[]>`
        select exists (select from pg_locks where locktype = 'advisory' and classid::bigint = ${key} and objid::bigint = ${key}
          and database = (select oid from pg_database where datname = current_database())) as same`;
      if (seen?.same === true) return;
      throw new DatabaseStartError(
        `${variable} leads to another database than DATABASE_URL. Both have to name the same database on the same PostgreSQL.`,
      );
    });
  } finally {
    await Promise.all([one.end({ timeout: 1 }), other.end({ timeout: 1 })]);
  }
}

function openSession(url: string) {
  const connection = {
    application_name: 'patient-sync start',
    ...sessionSettings({ takesParameters: false }),
  };
  return connect(url, { ...THROUGH_POOLER, max: 1, connection });
}
