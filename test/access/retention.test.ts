/** What each start of a server, and every hour, deletes of sessions, links, kept answers and operations; and what stays. */
import { expect, onTestFinished } from 'vitest';
import { createToken } from '../../src/access/api-tokens.ts';
import { deleteOldSessions } from '../../src/access/browser-sessions.ts';
import { deleteOldResponses } from '../../src/access/idempotency.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { startOperationRetention } from '../../src/operations/read-operation.ts';
import { test } from '../support/database.ts';

test('what has ended is deleted after its time, and nothing else', async ({ databaseUrl }) => {
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  const { sql } = database;
  const all = '*' as const;
  const { id } = await createToken(database, {
    name: 'Test',
    scope: 'admin',
    organizations: all,
    expiresInDays: 1,
  });
  await sql`insert into browser_sessions (secret_hash, token_id, expires_at)
    values ('open', ${id}, now() + interval '1 minute'), ('ended', ${id}, now() - interval '1 minute')`;
  await sql`insert into sign_in_links (code_hash, token_id, expires_at)
    values ('open', ${id}, now() + interval '1 minute'), ('lately', ${id}, now() - interval '23 hours'),
      ('ended', ${id}, now() - interval '25 hours')`;
  await sql`insert into idempotency_keys (key_hash, request_hash, created_at)
    values ('lately', '', now() - interval '23 hours'), ('old', '', now() - interval '25 hours')`;
  await sql`insert into bulk_operations (action, actor, trigger, status, created_at, completed_at)
    select 'pause', state, '{}', case state when 'running' then state else 'completed' end, now() - interval '90 days', ended_at
    from (values ('running', null), ('lately', now() - interval '29 days'), ('old', now() - interval '32 days')) as one (state, ended_at)`;

  const logger = createLogger({ level: 'fatal', format: 'json', colour: false });
  for (const begin of [deleteOldSessions, deleteOldResponses, startOperationRetention])
    (await begin(database, logger))();
  const kept = async (table: string, name: string) =>
    (await sql<{ name: string }[]>`select ${sql(name)} as name from ${sql(table)} order by 1`).map(
      (row) => row.name,
    );
  expect(await kept('browser_sessions', 'secret_hash')).toEqual(['open']);
  expect(await kept('sign_in_links', 'code_hash')).toEqual(['lately', 'open']);
  expect(await kept('idempotency_keys', 'key_hash')).toEqual(['lately']);
  expect(await kept('bulk_operations', 'actor')).toEqual(['lately', 'running']);
});
