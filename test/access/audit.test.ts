/** The audit log: who did what, under which request, and never changed afterwards. */
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { AuditPage } from '#contract/access.ts';
import { allowPerson, disallowPerson } from '../../src/access/identities.ts';
import { test } from '../support/database.ts';
import { startSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';
import { startReceiver } from '../webhooks/support/receiver.ts';
import { type GuardedServer, OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const Answer = z.looseObject({ id: z.union([z.int(), z.string()]).optional() });

const read = async (server: GuardedServer, token: string, query = '') =>
  AuditPage.parse(await (await server.as(token, `/audit${query}`)).json());

describe('the audit log', () => {
  test('records the actor, action and organization, with the id of the request', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const { id, token } = await server.newToken({ scope: 'admin' });
    const headers = { 'x-request-id': 'from-the-caller-1' };
    const started = await server.as(token, `/cliniko/sync-all/${OURS}`, { method: 'POST', headers });
    expect(started.headers.get('x-request-id')).toBe('from-the-caller-1');
    const { sync_log_id } = (await started.json()) as { sync_log_id: number };
    await server.as(token, `/cliniko/quarantine/${OURS}`);
    await server.as(token, `/organizations/${OURS}`, { method: 'PUT', body: '{"country": "NZ"}' });
    await server.as(token, `/cliniko/patients/${OURS}/missing/confirm`, { method: 'POST' });
    await server.as(token, '/stream-tokens', { method: 'POST', body: '{}' });
    const stream = await openStream(server.streamUrl(OURS), { authorization: `Bearer ${token}` });
    await stream.until((sent) => sent.length > 0);
    const socket = startSocket(server, '', { headers: { authorization: `Bearer ${token}` } });
    await socket.until('hello');
    // A refused request changes nothing, and is on record as refused.
    await server.as(token, `/cliniko/sync-all/${THEIRS}`, { method: 'POST' });
    await server.as(token, `/organizations/${OURS}`, { method: 'PUT', body: '{"country": "Mars"}' });

    const { entries } = await read(server, server.admin);
    const mine = entries.filter(({ actor }) => actor === `token:${id}`).reverse();
    expect(mine.map(({ action, organization_id }) => [action, organization_id])).toEqual([
      ['sync.start', OURS],
      ['quarantine.read', OURS],
      ['organization.change', OURS],
      ['missing.confirm', OURS],
      ['stream-token.create', null],
      ['stream.open', OURS],
      ['stream.open', null],
      ['access.refused', THEIRS],
    ]);
    expect(mine[0]).toMatchObject({
      request_id: 'from-the-caller-1',
      details: { sync_log_id, outcome: 'started' },
    });
    for (const { request_id } of mine) expect(request_id).toMatch(/^[\w-]{10,64}$/);
    expect(entries.map(({ action }) => action)).toContain('token.create');
  });

  test('records keys, webhooks, accounts and its own readers, and every write that no route names', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { config: { webhooksMayLoopBack: true } });
    const receiver = await startReceiver(204);
    const { id, token } = await server.newToken({ scope: 'admin', organizations: '*' });
    const ask = async (path: string, method = 'GET', body?: object) => {
      const response = await server.as(token, path, { method, ...(body && { body: JSON.stringify(body) }) });
      expect(response.ok, path).toBe(true);
      return Answer.parse(JSON.parse((await response.text()) || '{}'));
    };
    const key = { api_key: server.cliniko.apiKey };
    await ask(`/organizations/${OURS}/cliniko-credentials`, 'PUT', key);
    await ask(`/organizations/${OURS}/cliniko-credentials/verify`, 'POST');
    const endpoint = await ask('/webhooks', 'POST', { url: receiver.url, organizations: [OURS] });
    const sent = await ask(`/webhooks/${endpoint.id}/test`, 'POST');
    await receiver.until(1);
    await ask(`/webhooks/${endpoint.id}/deliveries/${sent.id}/redeliver`, 'POST');
    await ask('/sync/cleanup', 'POST');
    await ask('/audit');
    const { sql } = server.database;
    expect(await allowPerson({ sql }, id, { email: 'anna@clinic.example' })).toBe(true);
    expect(await disallowPerson({ sql }, { email: 'anna@clinic.example' })).toBe(true);
    expect(await server.revoke(id)).toBe(true);

    const entries = (await read(server, server.admin)).entries.reverse();
    const from = entries.findIndex(({ actor }) => actor === `token:${id}`);
    expect(entries.slice(from).map(({ action, organization_id }) => [action, organization_id])).toEqual([
      ['credentials.change', OURS],
      ['credentials.verify', OURS],
      ['webhook.create', OURS],
      ['webhook.test', OURS],
      ['webhook.redeliver', OURS],
      ['api.write', null],
      ['audit.read', null],
      ['identity.allow', null],
      ['identity.disallow', null],
      ['token.revoke', null],
    ]);
    expect(JSON.stringify(entries)).not.toContain(server.cliniko.apiKey);
  });

  test('records who read a list of patients to check, as pages or as one file, and not who read its counts', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id, token } = await server.newToken();
    const list = `/cliniko/patients/${OURS}/to-check`;
    for (const path of [list, `${list}?format=json`, `${list}/INVALID_PHONE`, `${list}?format=csv`])
      expect((await server.as(token, path)).status, path).toBe(200);
    // It gets no patient.
    expect((await server.as(token, `${list}/INVALID_PHONE`, { method: 'HEAD' })).status).toBe(200);

    const { entries } = await read(server, server.admin);
    const mine = entries.filter(({ actor }) => actor === `token:${id}`);
    expect(mine.map(({ action, organization_id }) => [action, organization_id])).toEqual([
      ['quarantine.read', OURS],
      ['quarantine.read', OURS],
    ]);
  });

  test('shows each administrator what his token holds, page by page', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    await server.database.sql`insert into audit_log (organization_id, actor, action, details)
      select case when n % 2 = 0 then ${OURS}::int else ${THEIRS}::int end, 'x', 'x', '{}' from generate_series(1, 50) as n`;
    const token = await server.token({ scope: 'admin' });
    const seen: string[] = [];
    for (let before: string | null = ''; before !== null; ) {
      const page: AuditPage = await read(server, token, `?limit=7${before && `&before=${before}`}`);
      for (const entry of page.entries) expect([OURS, null]).toContain(entry.organization_id);
      seen.push(...page.entries.map(({ id }) => id));
      before = page.next;
    }
    expect(seen.length).toBeGreaterThanOrEqual(25);
    expect(new Set(seen).size).toBe(seen.length);
    expect((await read(server, token, `?organization_id=${THEIRS}`)).entries).toEqual([]);
    expect((await read(server, server.admin, `?organization_id=${THEIRS}&limit=100`)).entries).toHaveLength(
      25,
    );
  });

  test('cannot be changed, emptied or shortened but by its retention', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const { sql } = server.database;
    await sql`insert into audit_log (at, actor, action, details)
      values (now() - interval '40 days', 'x', 'old', '{}'), (now() - interval '20 days', 'x', 'young', '{}')`;
    for (const change of [
      "update audit_log set actor = 'nobody'",
      'delete from audit_log',
      'truncate audit_log',
      'truncate organizations, audit_log cascade',
      `insert into audit_log (id, actor, action, details) overriding system value
        select id, 'nobody', 'x', '{}' from audit_log on conflict (id) do update set actor = 'nobody'`,
      "select set_config('patient_sync.audit_retention', 'on', false); delete from audit_log",
      'set session_replication_role = replica; delete from audit_log',
      'set session_replication_role = replica; truncate audit_log',
      "set session_replication_role = replica; update audit_log set details = '{}'",
    ]) {
      await expect(sql.unsafe(change), change).rejects.toMatchObject({ code: '42501' });
    }
    // Less than 30 days is never kept, whatever is asked for.
    await sql`select audit_log_retain(1)`;
    expect(await sql`select action from audit_log where actor = 'x'`).toEqual([{ action: 'young' }]);
    for (const change of [
      'delete from audit_log',
      'set session_replication_role = replica; delete from audit_log',
    ])
      await expect(sql.unsafe(change), change).rejects.toMatchObject({ code: '42501' });
  });
});

describe('a request id', () => {
  test.for([
    ['none', undefined],
    ['one with a line break in it', 'a%0ab c'],
    ['one that is too long', 'x'.repeat(65)],
  ] as const)('is made when the caller sends %s', async ([, sent], { databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const headers = sent === undefined ? undefined : { 'x-request-id': sent };
    const response = await server.as(server.admin, '/nothing', { headers });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
