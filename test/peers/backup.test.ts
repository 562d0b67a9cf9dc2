/** A plain pg_dump by the owner, on a PostgreSQL of Debian, needs no flag; its restore starts and syncs. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { execute, startDebianPostgres } from './support/debian-postgres.ts';
import { folder } from './support/program.ts';

async function syncOnce(server: TestServer): Promise<void> {
  const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
  const sent = await stream.until((events) => events.length >= 2);
  const before = sent.length;
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const all = await stream.until((events) => hasEnded(events.slice(before)));
  expect(all.at(-1)?.event).toBe('completed');
  stream.close();
}

describe('pg_dump by the owner, without a flag', () => {
  test.for(['plain', 'custom'] as const)('in the %s format holds everything', async (format) => {
    const { urlOf } = await startDebianPostgres();
    const first = await startTestServer(urlOf('owner', 'before'), { patients: 60 });
    await syncOnce(first);
    await first.stop();

    const file = join(await folder(), 'dump');
    execute('pg_dump', ['--format', format, '--file', file, urlOf('owner', 'before')]);
    const target = urlOf('owner', 'after');
    if (format === 'custom')
      execute('pg_restore', ['--exit-on-error', '--no-comments', '--dbname', target, file]);
    else execute('psql', ['--quiet', '--output=/dev/null', '--set=ON_ERROR_STOP=1', '--file', file, target]);

    const sql = connectPostgres(target);
    onTestFinished(() => sql.end({ timeout: 1 }));
    expect(await sql`select count(*)::int as count from patients`).toEqual([{ count: 60 }]);
    const second = await startTestServer(target, { patients: 60, organizations: [] });
    await syncOnce(await withKey(second));
    expect(await (await fetch(`${second.url}/readyz`)).json()).toMatchObject({
      checks: { row_security: 'role', other_roles: [] },
    });
    expect(await sql`select count(*)::int as count from patients where missing_since is null`).toEqual([
      { count: 60 },
    ]);
  });
});

/** The simulated Cliniko of the second server has a key of its own. */
async function withKey(server: TestServer): Promise<TestServer> {
  const body = JSON.stringify({ api_key: server.cliniko.apiKey });
  await server.api('/organizations/123/cliniko-credentials', { method: 'PUT', body });
  return server;
}
