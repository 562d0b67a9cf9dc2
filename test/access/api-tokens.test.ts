/** Which tokens authenticate a request, and what each scope allows. */
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { rememberLookups } from '../../src/access/recent-lookups.ts';
import { UNRESTRICTED } from '../../src/http/principal.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const problemOf = async (response: Response) => Problem.parse(await response.json());

describe('a request', () => {
  test.for([
    ['without a token', undefined],
    ['with another scheme', 'Basic dXNlcjpwYXNz'],
    ['with no token after the scheme', 'Bearer '],
    ['with an unknown token', `Bearer pst_${'x'.repeat(43)}`],
    ['with something else', 'Bearer x'],
    ['with a JWT of no known issuer', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
    ['with a very long one', `Bearer ${'x'.repeat(9_000)}`],
  ] as const)('%s is a 401 that says what to send', async ([, authorization], { databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const headers = authorization === undefined ? undefined : { authorization };
    for (const path of ['/organizations', `/cliniko/sync-logs/${OURS}`, '/audit', '/nothing']) {
      const response = await server.api(path, { headers });
      expect(await problemOf(response)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="patient-sync"/);
    }
  });

  test('needs none for health checks and pages', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    for (const path of ['/healthz', '/readyz', '/health', '/', '/ops']) {
      expect((await fetch(server.url + path)).status, path).not.toBe(401);
    }
  });

  test('may use any host name of this server', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const response = await fetch(`${server.url.replace('127.0.0.1', 'localhost')}/api/v1/organizations`, {
      // The name of the scheme may be in any case (RFC 9110, 11.1).
      headers: { authorization: `bearer ${server.admin}` },
    });
    expect(response.status).toBe(200);
  });
});

describe('a token', () => {
  test('that has expired or was revoked is a 401', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const { id, token } = await server.newToken({ organizations: '*' });
    const expired = await server.newToken({ organizations: '*' });
    await server.database.sql`update api_tokens set expires_at = now() where id = ${expired.id}`;
    expect((await server.as(expired.token, '/organizations')).status).toBe(401);

    expect((await server.as(token, '/organizations')).status).toBe(200);
    const { expires_at } = await (await server.as(token, '/account')).json();
    expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(86_400_000);
    expect(await server.revoke(id)).toBe(true);
    expect(await server.revoke(id)).toBe(false);
    await expect.poll(async () => (await server.as(token, '/organizations')).status).toBe(401);
  });

  plainTest('that expires while it is remembered is not accepted', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    const account = { ...UNRESTRICTED, expiresAt: Date.now() + 1_000 };
    const remembered = rememberLookups(
      async () => account,
      (found) => found,
    );
    expect(await remembered.find('x')).toBe(account);
    vi.advanceTimersByTime(1_000);
    expect(await remembered.find('x')).toBeUndefined();
  });

  test('is not stored in the database', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const { token } = await server.newToken();
    const rows = await server.database.sql`select to_jsonb(t)::text as text from api_tokens t
      union all select to_jsonb(a)::text from audit_log a`;
    expect(rows.length).toBeGreaterThan(2);
    expect(JSON.stringify(rows)).not.toContain(token.slice(4));
  });

  test('allows only what its scope allows', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const tokens = {
      read: await server.token({ scope: 'read' }),
      sync: await server.token({ scope: 'sync' }),
      admin: await server.token({ scope: 'admin' }),
    };
    const attempts: [scope: 'read' | 'sync' | 'admin', method: string, path: string][] = [
      ['read', 'GET', `/cliniko/sync-logs/${OURS}`],
      ['read', 'POST', '/stream-tokens'],
      ['sync', 'POST', `/cliniko/sync-all/${OURS}`],
      ['admin', 'PUT', `/organizations/${OURS}`],
      ['admin', 'POST', `/cliniko/patients/${OURS}/missing/confirm`],
      ['admin', 'POST', `/cliniko/patients/${OURS}/missing/release`],
      ['admin', 'GET', '/audit'],
    ];
    const order = ['read', 'sync', 'admin'] as const;
    for (const [needed, method, path] of attempts) {
      for (const scope of order) {
        const init = method === 'GET' ? {} : { method, body: '{}' };
        const response = await server.as(tokens[scope], path, init);
        const allowed = order.indexOf(scope) >= order.indexOf(needed);
        expect(response.status < 300, `${scope}: ${method} ${path} ${response.status}`).toBe(allowed);
        if (!allowed) expect(await problemOf(response)).toMatchObject({ status: 403, code: 'FORBIDDEN' });
      }
    }
  });

  test('for one organization lists that one only', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const list = async (token: string) => (await server.as(token, '/organizations')).json();
    const ours = await server.token();
    expect(await list(ours)).toMatchObject({ organizations: [{ organization_id: OURS }] });
    // However the id in the address is written.
    const encoded = (id: number) => String(id).replaceAll(/[0-9]/g, (digit) => `%3${digit}`);
    const statusOf = async (id: number) => (await server.as(ours, `/organizations/${encoded(id)}`)).status;
    expect([await statusOf(OURS), await statusOf(THEIRS)]).toEqual([200, 403]);
    expect(await list(await server.token({ organizations: [999] }))).toEqual({ organizations: [] });
    expect(await list(server.admin)).toMatchObject({
      organizations: [{ organization_id: OURS }, { organization_id: THEIRS }],
    });
  });

  test('for one organization gets a reason at a route that is for tokens of all', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const problem = await problemOf(await server.as(await server.token({ scope: 'admin' }), '/pause'));
    expect(problem).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(problem.detail).toContain('for all organizations');
  });
});

test('a start that requires none, although there are some, warns', async ({ databaseUrl }) => {
  const first = await startTestServer(databaseUrl);
  expect(first.logged()).not.toContain('AUTH is none');
  await startGuardedServer(databaseUrl, { organizations: [] });
  const open = await startTestServer(databaseUrl);
  expect(open.logged()).toContain('AUTH is none, although there are API tokens: no request needs one');
});
