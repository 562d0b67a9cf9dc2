/** `Idempotency-Key` on starts: a client that lost the response repeats the request, and nothing starts twice. */
import { describe, expect, vi } from 'vitest';
import { StartedSync } from '#contract/sync-log.ts';
import { test } from '../support/database.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { type GuardedServer, OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const start = (server: GuardedServer, key: string, id = OURS, token = server.admin, path = 'sync-all') =>
  server.as(token, `/cliniko/${path}/${id}`, { method: 'POST', headers: { 'idempotency-key': key } });

async function untilEnded(server: GuardedServer): Promise<void> {
  const stream = await openStream(server.streamUrl(OURS, '?since=x.1'), {
    authorization: `Bearer ${server.admin}`,
  });
  await stream.until(
    (sent) => hasEnded(sent) || sent.some(({ data }) => data.includes('"status":"completed"')),
  );
  stream.close();
}

describe('a start with an Idempotency-Key', () => {
  test('gives the same answer again, on every server, also when the run has long ended', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const other = await startGuardedServer(databaseUrl, { organizations: [], cliniko: server.cliniko });
    const first = await start(server, 'k-1');
    const answer = await first.text();
    expect(first.status).toBe(200);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    await untilEnded(server);

    for (const one of [server, other]) {
      const again = await start(one, 'k-1', OURS, server.admin);
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
      expect(await again.text()).toBe(answer);
    }
    const next = await start(server, 'k-2');
    expect(StartedSync.parse(await next.json()).sync_log_id).not.toBe(
      StartedSync.parse(JSON.parse(answer)).sync_log_id,
    );
    const audit = await server.database.sql`select 1 from audit_log where action = 'sync.start'`;
    expect(audit).toHaveLength(2);
  });

  test("is refused for another request, and is each caller's own", async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    await start(server, 'k');
    for (const answer of [
      await start(server, 'k', THEIRS),
      await start(server, 'k', OURS, server.admin, 'sync-active'),
    ]) {
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    }
    const someoneElse = await server.token({ scope: 'sync', organizations: [THEIRS] });
    expect((await start(server, 'k', THEIRS, someoneElse)).status).toBe(200);
  });

  test.for([
    ['organization, in the header', '/sync/trigger', '/sync/trigger', OURS, THEIRS],
    ['mode', `/sync/start/${OURS}?sync_mode=active`, `/sync/start/${OURS}?sync_mode=full`, OURS, OURS],
    ['mode', `/cliniko/sync/${OURS}?mode=incremental`, `/cliniko/sync/${OURS}`, OURS, OURS],
  ] as const)('is refused for another %s on a route of the old service', async (route, { databaseUrl }) => {
    const [, path, otherPath, id, otherId] = route;
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const ask = (to: string, organization: number) =>
      server.as(server.admin, to, {
        method: 'POST',
        headers: { 'idempotency-key': 'k', 'x-organization-id': String(organization) },
      });
    const first = await ask(path, id);
    expect(first.status).toBe(200);
    expect((await ask(otherPath, otherId)).status).toBe(422);
    const again = await ask(path, id);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.text()).toBe(await first.text());
  });

  test('starts one run for any number of simultaneous requests', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => start(server, 'k')));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(statuses.includes(409) ? [200, 409] : [200]));
    expect(
      answers.filter(({ status, headers }) => status === 200 && !headers.has('idempotent-replayed')),
    ).toHaveLength(1);
    expect(await server.database.sql`select 1 from sync_logs`).toHaveLength(1);
  });

  test('does not take the key from a request that claimed it a moment later', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    await start(server, 'k');
    const { sql } = server.database;
    const waiting = () => sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%idempotency_keys%'`;
    let blocked: Promise<Response> | undefined;
    await sql.begin(async (other) => {
      await other`update idempotency_keys set status = null, body = null`;
      blocked = start(server, 'k');
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(1));
      await other`update idempotency_keys set created_at = clock_timestamp()`;
    });
    expect((await blocked)?.status).toBe(409);
  });

  test('may be tried again when its first answer never came', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    await start(server, 'k');
    const { sql } = server.database;
    await sql`update idempotency_keys set status = null, body = null`;
    const early = await start(server, 'k');
    expect([early.status, early.headers.get('retry-after')]).toEqual([409, '1']);
    // The clock of the database was ahead when the key was claimed.
    await sql`update idempotency_keys set created_at = now() + interval '2 minutes'`;
    expect((await start(server, 'k')).status).toBe(200);
    await sql`update idempotency_keys set status = null, body = null`;
    await sql`update idempotency_keys set created_at = now() - interval '2 minutes'`;
    expect((await start(server, 'k')).headers.get('idempotent-replayed')).toBeNull();
    await sql`update idempotency_keys set created_at = now() - interval '25 hours'`;
    expect((await start(server, 'k')).headers.get('idempotent-replayed')).toBeNull();
  });

  test('repeats no refusal, and nothing about an organization that was deleted', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const organization = (method: string, body?: string) =>
      server.as(server.admin, `/organizations/${OURS}`, { method, ...(body !== undefined && { body }) });
    const first = StartedSync.parse(await (await start(server, 'k')).json());
    await organization('DELETE');
    expect((await start(server, 'k')).status).toBe(404);
    await organization('PUT', '{"name": "Another clinic"}');
    const later = await start(server, 'k');
    expect([later.status, later.headers.get('idempotent-replayed')]).toEqual([200, null]);
    expect(StartedSync.parse(await later.json()).sync_log_id).not.toBe(first.sync_log_id);
  });

  test('may be tried again when the server failed', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const { sql } = server.database;
    await sql.unsafe(`create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
      create trigger fail before insert on sync_logs for each row execute function fail()`);
    expect((await start(server, 'k')).status).toBe(500);
    await sql`drop trigger fail on sync_logs`;
    const again = await start(server, 'k');
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, null]);
  });

  test.for([['x'.repeat(256)], ['a b'], ['']] as const)('"%s" is no key', async ([key], { databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const answer = await start(server, key);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ field: 'Idempotency-Key' });
  });
});
