/** Refusals are counted, logged and audited; wrong tokens cost little; what opens /metrics opens nothing else. */
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { StreamToken } from '#contract/access.ts';
import { BOOTSTRAP_TOKEN_NAME } from '../../src/access/api-tokens.ts';
import { createTokenLookup } from '../../src/access/token-lookup.ts';
import { UNRESTRICTED } from '../../src/http/principal.ts';
import { test } from '../support/database.ts';
import { openSocket, startSocket } from '../support/socket.ts';
import { browserWith, newCode, postCode, signInBrowser } from './support/browser-session.ts';
import { type GuardedServer, OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const unknownToken = (n: number) => `pst_${String(n).padStart(43, 'x')}`;

/** The close code of a socket, or `subscribed`, whichever comes first. */
async function firstOf({ closed, frames }: ReturnType<typeof startSocket>): Promise<number | 'subscribed'> {
  let code: number | undefined;
  void closed.then((closedWith) => {
    code = closedWith;
  });
  return await vi.waitFor(() => {
    if (code !== undefined) return code;
    expect(frames().map(({ type }) => type)).toContain('subscribed');
    return 'subscribed';
  });
}

async function refused(server: GuardedServer, status: number, code: string): Promise<number> {
  const text = await (
    await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.admin}` } })
  ).text();
  const line = new RegExp(
    `^patient_sync_requests_refused_total\\{status="${status}",code="${code}"\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(text)?.[1]);
}

const entries = (server: GuardedServer) => server.database.sql`
  select actor, organization_id, details from audit_log where action = 'access.refused' order by id`;

describe('a refusal', () => {
  test('is counted and logged, and audited for a known account', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id, token } = await server.newToken({ scope: 'read' });
    for (let n = 0; n < 30; n++) {
      expect((await server.as(unknownToken(n), `/cliniko/sync-logs/${OURS}`)).status).toBe(401);
    }
    for (let n = 0; n < 10; n++) {
      const write = await server.as(token, `/cliniko/sync-all/${THEIRS}`, { method: 'POST' });
      expect(write.status).toBe(403);
    }
    expect(await refused(server, 401, 'UNAUTHENTICATED')).toBe(30);
    expect(await refused(server, 403, 'FORBIDDEN')).toBe(10);
    const route = 'POST /api/v1/cliniko/sync-all/:orgId';
    expect(await entries(server)).toEqual(
      Array.from({ length: 10 }, () => ({
        actor: `token:${id}`,
        organization_id: THEIRS,
        details: { status: 403, code: 'FORBIDDEN', route },
      })),
    );
    const lines = server
      .logged()
      .split('\n')
      .filter((line) => line.includes('Refused '));
    expect(lines).toHaveLength(40);
    expect(lines.at(-1)).toContain(`Refused ${route} status=403 code="FORBIDDEN" actor="token:${id}"`);
    expect(lines.join()).not.toContain('pst_');
  });

  test('of a page of another origin, or of a socket, is counted too', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const headers = { origin: 'https://evil.example' };
    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST', headers });
    expect(await refused(server, 403, 'ORIGIN_NOT_ALLOWED')).toBe(1);
    const socket = await openSocket(server, '?organizations=*');
    expect(await socket.closed).toBe(4401);
    expect(await refused(server, 401, 'UNAUTHENTICATED')).toBe(1);
    const { id, token } = await server.newToken();
    const known = await openSocket(server, '', { headers: { authorization: `Bearer ${token}` } });
    known.send({ type: 'subscribe', id: 'a', organizations: [THEIRS] });
    await known.until('error');
    await vi.waitFor(async () =>
      expect(await entries(server)).toMatchObject([{ actor: `token:${id}`, details: { code: 'FORBIDDEN' } }]),
    );
  });
});

describe('wrong tokens', () => {
  plainTest('share their statements, which are paced', async () => {
    const find = vi.fn(async () => new Map());
    const lookUp = createTokenLookup(find);
    const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => lookUp(String(n))));
    expect(answers.every((answer) => answer === undefined)).toBe(true);
    expect(find.mock.calls.length).toBeLessThanOrEqual(2);
    // Remembered for a moment.
    await Promise.all(Array.from({ length: 400 }, (_, n) => lookUp(String(n))));
    expect(find.mock.calls.length).toBeLessThanOrEqual(2);
  });

  plainTest('are looked up ten times a second, with 500 tokens in a statement', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const find = vi.fn(async (_hashes: readonly string[]) => new Map());
    const lookUp = createTokenLookup(find);
    await lookUp('first');
    const answers = Array.from({ length: 600 }, (_, n) => lookUp(String(n)));
    await vi.advanceTimersByTimeAsync(99);
    expect(find).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(find).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(answers);
    expect(find.mock.calls.map(([hashes]) => hashes.length)).toEqual([1, 500, 100]);
  });

  plainTest('do not delay a valid one, and a failure ends with the next success', async () => {
    let fails = true;
    const lookUp = createTokenLookup(async (hashes) => {
      if (fails) throw new Error('The database is away.');
      return new Map(hashes.filter((hash) => hash === 'good').map((hash) => [hash, UNRESTRICTED]));
    });
    await expect(lookUp('good')).rejects.toThrow('The database is away.');
    fails = false;
    const [bad, good] = await Promise.all([lookUp('bad'), lookUp('good')]);
    expect([bad, good]).toEqual([undefined, UNRESTRICTED]);
  });

  test('beyond the limit of their address are a 429; a good token from there is accepted', async ({
    databaseUrl,
  }) => {
    const limits = {
      requestsPerToken: 1_000,
      requestsPerOrganization: 1_000,
      badTokensPerAddress: 20,
      streamsPerToken: 10,
      streamsPerOrganization: 10,
      streams: 10,
      connections: 100,
      connectionsPerAddress: 100,
    };
    const server = await startGuardedServer(databaseUrl, { config: { limits } });
    const asked = Array.from({ length: 60 }, (_, n) =>
      server.as(unknownToken(n), `/cliniko/sync-logs/${OURS}`),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThan(30);
    const tooMany = answers.find(({ status }) => status === 429);
    expect(await tooMany?.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    // The codes of sign-in links count too.
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => postCode(server, `${n}`.padStart(43, 'x'))),
    );
    expect(codes.map(({ status }) => status)).toContain(429);
    expect((await server.as(await server.token(), `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
  });
});

describe('frames of a socket', () => {
  test('count against the limit of its token, and frames of a client that continues are ignored for a while', async ({
    databaseUrl,
  }) => {
    const limits = {
      requestsPerToken: 30,
      requestsPerOrganization: 1_000,
      badTokensPerAddress: 1_000,
      streamsPerToken: 10,
      streamsPerOrganization: 10,
      streams: 10,
      connections: 100,
      connectionsPerAddress: 100,
    };
    const server = await startGuardedServer(databaseUrl, { config: { limits }, organizations: [] });
    const socket = await openSocket(server, '', {
      headers: { authorization: `Bearer ${await server.token()}` },
    });
    for (let n = 0; n < 40; n++) {
      socket.send({ type: 'subscribe', id: 'a', organizations: [OURS] });
      socket.send({ type: 'unsubscribe', id: 'a' });
    }
    const refusals = () =>
      socket.frames().filter((frame) => frame.type === 'error' && frame.code === 'TOO_MANY_REQUESTS');
    await vi.waitFor(() => expect(refusals().length).toBeGreaterThan(40), { timeout: 10_000 });
    expect(socket.frames().filter(({ type }) => type === 'subscribed').length).toBeLessThan(20);
    const answered = () => socket.frames().filter(({ type }) => type === 'error' || type === 'pong').length;
    const begun = performance.now();
    const before = answered();
    // One read of the socket holds up to 64 KiB: some 3,100 frames. The first pause comes before the second read.
    for (let n = 0; n < 20_000; n++) socket.send({ type: 'ping' });
    await vi.waitFor(() => expect(answered()).toBeGreaterThan(before + 8_000), { timeout: 25_000 });
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect((await server.as(server.admin, '/organizations')).status).toBe(200);
  });
});

describe('a token with the scope metrics', () => {
  test('opens /metrics and nothing else', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const token = await server.token({ scope: 'metrics', organizations: [] });
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(200);
    const paths = [
      '/organizations',
      `/cliniko/sync-logs/${OURS}`,
      '/audit',
      `/organizations/${OURS}`,
      '/nothing',
    ];
    for (const path of paths) expect((await server.as(token, path)).status, path).toBe(403);
    expect((await server.as(token, '/stream-tokens', { method: 'POST', body: '{}' })).status).toBe(403);
    expect(await startSocket(server, '', { headers }).closed).toBe(4403);
    expect(
      (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${await server.token()}` } }))
        .status,
    ).toBe(403);
  });
});

describe('BOOTSTRAP_ADMIN_TOKEN', () => {
  test('is an admin token until there is another one, and is stored as a hash', async ({ databaseUrl }) => {
    const bootstrap = 'b'.repeat(40);
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { bootstrapAdminToken: bootstrap },
    });
    const status = async () => (await server.as(bootstrap, '/organizations')).status;
    // The helper has made an administrator.
    expect(await status()).toBe(401);
    await server.database.sql`update api_tokens set revoked_at = now() where name = 'Administrator'`;
    // Neither one that has expired is an administrator, nor a token with less than all rights.
    const { id } = await server.newToken({ scope: 'admin', organizations: '*' });
    await server.database.sql`update api_tokens set expires_at = now() where id = ${id}`;
    await server.token({ scope: 'sync', organizations: '*' });
    await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 10_000 });
    expect((await server.as(bootstrap, '/organizations/7', { method: 'PUT', body: '{}' })).status).toBe(200);
    const rows = await server.database.sql`select name, token_hash from api_tokens`;
    expect(rows.map(({ name }) => name)).toContain(BOOTSTRAP_TOKEN_NAME);
    expect(JSON.stringify(rows)).not.toContain(bootstrap);
    await server.token({ scope: 'admin', organizations: '*' });
    await vi.waitFor(async () => expect(await status()).toBe(401), { timeout: 10_000 });
  });

  test('that is removed or replaced takes its sessions, stream tokens and sign-in links along', async ({
    databaseUrl,
  }) => {
    const startWith = async (bootstrapAdminToken: string | undefined) => {
      const server = await startGuardedServer(databaseUrl, {
        organizations: [],
        config: { bootstrapAdminToken },
      });
      await server.database.sql`update api_tokens set revoked_at = now() where name = 'Administrator'`;
      return server;
    };
    const bootstrap = 'b'.repeat(40);
    const first = await startWith(bootstrap);
    const [account] = await first.database.sql<{ id: number }[]>`
      select id from api_tokens where name = ${BOOTSTRAP_TOKEN_NAME}`;
    const { cookie } = await signInBrowser(first, account?.id ?? 0);
    const browser = browserWith(first, cookie);
    const put = { method: 'PUT', body: '{}' };
    expect((await browser.ask(`/organizations/${OURS}`, put)).status).toBe(200);
    const answer = await browser.ask('/stream-tokens', { method: 'POST', body: '{}' });
    const { token } = StreamToken.parse(await answer.json());
    const accepts = async (server: GuardedServer) => {
      const { ask } = browserWith(server, cookie);
      const socket = startSocket(server, `?organizations=*&token=${token}`);
      const answers = [
        (await server.as(bootstrap, '/organizations')).status,
        (await ask('/account')).status,
        (await ask(`/organizations/${OURS}`, put)).status,
        (await postCode(server, await newCode(server, account?.id ?? 0))).status,
        await firstOf(socket),
      ];
      socket.close();
      return answers;
    };
    expect(await accepts(first)).toEqual([200, 200, 200, 204, 'subscribed']);
    await first.stop();
    for (const other of [undefined, 'c'.repeat(40)]) {
      const next = await startWith(other);
      expect(await accepts(next)).toEqual([401, 401, 401, 403, 4401]);
      await next.stop();
    }
    // The variable is back, with the same value.
    expect(await accepts(await startWith(bootstrap))).toEqual([200, 200, 200, 204, 'subscribed']);
  });
});

describe('an answer with data of an organization', () => {
  test('is not stored by any cache; every poll reaches the server', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const paths = [
      `/organizations/${OURS}`,
      '/organizations',
      `/cliniko/quarantine/${OURS}`,
      `/cliniko/patients/${OURS}/summary`,
      `/cliniko/analytics/${OURS}`,
      `/organizations/${OURS}/webhooks`,
    ];
    for (const path of paths) {
      const answer = await server.as(server.admin, path);
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, 200, 'no-store']);
    }
    const poll = await server.as(server.admin, `/cliniko/sync-logs/${OURS}`);
    expect(poll.headers.get('cache-control')).toBe('private, no-cache');
  });
});
