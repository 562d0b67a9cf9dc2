/** `MIGRATE_DATABASE_URL`: the owner migrates, and the server works as a role that owns nothing. */
import { describe, expect, test } from 'vitest';
import { createToken } from '../../src/access/api-tokens.ts';
import { openDatabase } from '../../src/database/open.ts';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { createPlatform } from './support/platform.ts';

const DENIED = { code: '42501' };

/** A role that may log in, and nothing else. */
async function createServerRole() {
  const platform = await createPlatform();
  const role = await platform.createRole();
  const config = { migrateDatabaseUrl: platform.ownerUrl };
  return { platform, url: platform.urlOf(role), config };
}

describe('a server whose role owns nothing', () => {
  test('syncs, streams, updates, erases, audits and runs maintenance', async () => {
    const { platform, url, config } = await createServerRole();
    const server = await startTestServer(url, { patients: 120, config });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    for (const kind of ['sync-all', 'sync-changed']) {
      const before = stream.events.length;
      await server.api(`/cliniko/${kind}/123`, { method: 'POST' });
      const sent = await stream.until((events) => hasEnded(events.slice(before)));
      expect(sent.at(-1)?.event).toBe('completed');
    }
    expect(await (await server.api('/cliniko/patients/123/summary')).json()).toMatchObject({ total: 120 });
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
      checks: { row_security: 'role', other_roles: [] },
    });
    const { actions } = await readAudit(server.api);
    expect(actions).toContain('sync.start');
    const sql = connectInTest(url);
    await platform.admin`insert into sync_events (organization_id, seq, at, type, created)
      values (9, 1, '2020-01-01', 'snapshot', false)`;
    expect(await sql`delete from sync_events_other returning seq`).toHaveLength(1);
    expect((await server.api('/organizations/123', { method: 'DELETE' })).status).toBeLessThan(300);
    expect(await platform.admin`select from patients`).toHaveLength(0);
  });

  test('cannot change or empty the audit log, nor any table', async () => {
    const { platform, url, config } = await createServerRole();
    await startTestServer(url, { config, organizations: [] });
    const sql = connectInTest(url);
    await sql`insert into audit_log (at, actor, action, details)
      values (now() - interval '40 days', 'x', 'old', '{}'), (now() - interval '20 days', 'x', 'young', '{}')`;
    for (const statement of [
      "update audit_log set actor = 'nobody'",
      'delete from audit_log',
      'truncate audit_log',
      'alter table audit_log disable trigger user',
      'drop trigger audit_log_append_only on audit_log',
      'create or replace function audit_log_refuse_change() returns trigger language sql as $$ select null $$',
      'drop table audit_log cascade',
      "set session_replication_role = 'replica'",
      'alter table patients add column x text',
      'create table public.x (id integer)',
      'create policy p on patients using (true)',
    ]) {
      await expect(sql.unsafe(statement), statement).rejects.toMatchObject(DENIED);
    }
    await sql`select audit_log_retain(-1000000)`;
    expect(await platform.admin`select action from audit_log where actor = 'x'`).toEqual([
      { action: 'young' },
    ]);
    await expect(sql`delete from audit_log`).rejects.toMatchObject(DENIED);
  });

  test('starts again after an upgrade by the owner, and answers tokens under row-level security', async () => {
    const { url, config } = await createServerRole();
    const first = await startTestServer(url, { config, organizations: [1, 2] });
    await first.stop();
    const server = await startTestServer(url, { config: { ...config, auth: 'tokens' }, organizations: [] });
    const database = openDatabase(url, { max: 1 });
    const wish = { name: 'One', scope: 'read', organizations: [1], expiresInDays: 1 } as const;
    const { token } = await createToken(database, wish).finally(database.close);
    const as = { headers: { authorization: `Bearer ${token}` } };
    expect((await server.api('/organizations/1', as)).status).toBe(200);
    expect((await server.api('/cliniko/sync-logs/1', as)).status).toBe(200);
    expect((await server.api('/organizations/2', as)).status).toBe(403);
  });
});

async function readAudit(api: (path: string) => Promise<Response>) {
  const { entries } = (await (await api('/audit')).json()) as { entries: { action: string }[] };
  return { actions: entries.map(({ action }) => action) };
}
