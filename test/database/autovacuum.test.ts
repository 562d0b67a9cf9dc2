/** A migration beside the autovacuum of PostgreSQL, which the database of the other tests does not run. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { migrate } from '../../src/database/migrate.ts';
import { openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { connectInTest } from '../support/database.ts';
import { newDataDir } from '../support/embedded.ts';
import { loadVersion01 } from './support/version-0-1.ts';

test('a migration by an ordinary owner ends an autovacuum that holds a table for long', async () => {
  const settings = { fsync: 'off', autovacuum_naptime: '1s' };
  const database = await openEmbeddedDatabase({ dataDir: await newDataDir(), settings });
  onTestFinished(() => database.stop());
  const admin = connectInTest(database.url);
  await admin.unsafe(`create role keeper login createrole password 'plain';
    alter schema public owner to keeper; grant create on database patient_sync to keeper`);
  const url = new URL(database.url);
  [url.username, url.password] = ['keeper', 'plain'];
  const owner = connectInTest(url.href);
  await loadVersion01(owner);
  // Each page that it cleans makes it sleep for 0.4 s.
  await owner`alter table sync_seen set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`;
  await owner`insert into sync_seen select 1, array[repeat('x', 1000)] from generate_series(1, 2000)`;
  await owner`delete from sync_seen where sync_log_id = 1`;
  // A session tells the autovacuum of its changes only now and then.
  await owner`select pg_stat_force_next_flush()`;
  const cleaning = () => admin`
    select pid from pg_locks join pg_stat_activity using (pid)
    where relation = 'sync_seen'::regclass and backend_type = 'autovacuum worker'`;
  await vi.waitFor(async () => expect(await cleaning()).toHaveLength(1), 30_000);

  const lines: string[] = [];
  const logger = { warn: (line: string) => lines.push(line), info() {} };
  await migrate(url.href, { logger: logger as never, patienceMs: 30_000 });
  expect(lines.at(-1)).toMatch(/ \(autovacuum, process \d+\)\. Trying again/);
});
