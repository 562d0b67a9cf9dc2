/** People in browsers: a link that works once, a session in a cookie that only our own pages can use, and its end. */
import { describe, expect, vi } from 'vitest';
import { AccountInfo, AuditPage, StreamToken } from '#contract/access.ts';
import { Problem } from '#contract/problem.ts';
import { hashOf } from '../../src/access/api-tokens.ts';
import { IDLE_DAYS, LONGEST_DAYS, renewSession } from '../../src/access/browser-sessions.ts';
import { createSignInLink, findOpenLinks, useSignInLink } from '../../src/access/sign-in-links.ts';
import { test } from '../support/database.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { startTestServer } from '../support/server.ts';
import { startSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';
import { browserWith, newCode, pageHeaders, postCode, signInBrowser } from './support/browser-session.ts';
import { OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const codeOf = async (response: Response) => Problem.parse(await response.json()).code;
const DAY_MS = 86_400_000;
const saysBye = (sent: readonly SentEvent[]) => sent.some(({ event }) => event === 'bye');

describe('a sign-in link', () => {
  test('opens one session, however often its page is fetched and its code sent', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id } = await server.newToken({ name: 'Reception', scope: 'sync' });
    const code = await newCode(server, id);
    for (let preview = 0; preview < 3; preview++) {
      expect((await fetch(`${server.url}/sign-in`)).status).toBe(200);
      // A code in the address is refused unread: this route takes no parameter.
      expect((await server.api(`/sign-in?code=${code}`)).status).toBe(400);
    }
    const answers = await Promise.all([1, 2, 3].map(() => postCode(server, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 403, 403]);
    const opened = answers.find(({ status }) => status === 204);
    const [cookie = ''] = opened?.headers.getSetCookie() ?? [];
    expect(cookie).toMatch(
      /^patient-sync-session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/i,
    );
    // The age counts whole seconds from the answer to the session's end, which was set a moment before.
    const maxAge = Number(/Max-Age=(\d+)/i.exec(cookie)?.[1]);
    expect(maxAge).toBeLessThanOrEqual((IDLE_DAYS * DAY_MS) / 1_000);
    expect(maxAge).toBeGreaterThan((IDLE_DAYS * DAY_MS) / 1_000 - 60);
    const browser = browserWith(server, cookie.split(';', 1)[0] ?? '');
    const account = AccountInfo.parse(await (await browser.ask('/account')).json());
    expect(account).toMatchObject({
      kind: 'session',
      name: 'Reception',
      scope: 'sync',
      organizations: [OURS],
    });
    // It ends with the token at the latest, which is valid for a day.
    expect(Date.parse(account.expires_at ?? '')).toBeLessThanOrEqual(Date.now() + DAY_MS);
    // A used link that its person opens again does not end the session.
    expect(await codeOf(await postCode(server, code, browser.headers))).toBe('SIGN_IN_LINK_INVALID');
    expect((await browser.ask('/account')).status).toBe(200);
    const stored = await server.database.sql`select code_hash::text, secret_hash::text
      from sign_in_links join browser_sessions using (token_id)`;
    expect(JSON.stringify(stored)).not.toContain(code);
    expect(JSON.stringify(stored)).not.toContain(cookie.split(/[=;]/)[1]);
    expect(server.logged()).not.toContain(code);
    const { entries } = AuditPage.parse(await (await server.as(server.admin, '/audit?limit=100')).json());
    expect(entries.filter(({ action }) => /^(sign-in|session)/.test(action))).toMatchObject([
      { action: 'session.create', actor: `token:${id}`, details: { token_id: id } },
      { action: 'sign-in-link.create', actor: 'command line', details: { token_id: id, minutes: 5 } },
    ]);
  });

  test('opens none when it has expired, when its token is revoked, and from other pages', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { allowedOrigins: ['https://panel.example'] },
    });
    const { id } = await server.newToken();
    const { id: metrics } = await server.newToken({ scope: 'metrics', organizations: [] });
    expect(await createSignInLink(server.database, metrics, 5)).toBeUndefined();
    expect(await createSignInLink(server.database, 999, 5)).toBeUndefined();

    const code = await newCode(server, id);
    const foreign: Record<string, string>[] = [
      {},
      { origin: 'https://panel.example' },
      { origin: 'null' },
      { ...pageHeaders(server), 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      expect(await codeOf(await postCode(server, code, headers))).toBe('ORIGIN_NOT_ALLOWED');
    }
    const expired = await newCode(server, id);
    await server.database.sql`update sign_in_links set expires_at = now() where code_hash in (
      select code_hash from sign_in_links order by created_at desc limit 1)`;
    expect(await codeOf(await postCode(server, expired))).toBe('SIGN_IN_LINK_INVALID');
    // Also when it expires between the two looks at it.
    expect(await findOpenLinks(server.database, [hashOf(code), hashOf(expired)])).toEqual(
      new Map([[hashOf(code), true]]),
    );
    expect(await useSignInLink(server.database.sql, expired, undefined)).toBeUndefined();
    await server.revoke(id);
    expect(await codeOf(await postCode(server, code))).toBe('SIGN_IN_LINK_INVALID');
    expect(await codeOf(await postCode(server, 'x'))).toBe('SIGN_IN_LINK_INVALID');
  });

  test('that does not exist costs no connection of its own, however many are tried', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const token = await server.token();
    const tried = await server.database.sql.begin(async (tx) => {
      await tx`lock table sign_in_links in access exclusive mode`;
      const codes = Array.from({ length: 30 }, (_, index) => `${index}`.padStart(43, 'x'));
      const answers = codes.map((code) => postCode(server, code));
      await vi.waitFor(async () => {
        const waiting =
          await tx`select from pg_locks where relation = 'sign_in_links'::regclass and not granted
          and database = (select oid from pg_database where datname = current_database())`;
        expect(waiting.length).toBeGreaterThan(0);
      });
      // More codes than the pool has connections wait for the table; the other clients do not wait for them.
      expect((await server.as(token, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
      return answers;
    });
    expect(new Set((await Promise.all(tried)).map(({ status }) => status))).toEqual(new Set([403]));
  });

  test('says that a server without accounts needs no sign-in', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await (await server.api('/sign-in')).json()).toEqual({
      needs_sign_in: false,
      identity_provider: null,
    });
    const body = JSON.stringify({ code: 'x' });
    const answer = await server.api('/sign-in', { method: 'POST', headers: pageHeaders(server), body });
    expect(await answer.json()).toMatchObject({
      code: 'NOT_FOUND',
      detail: expect.stringContaining('AUTH=none'),
    });
    expect(await (await server.api('/account')).json()).toMatchObject({ kind: 'none', scope: 'admin' });
  });
});

describe('a session', () => {
  test('has the rights of its token, on requests of our own pages only', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { allowedOrigins: ['https://panel.example'] },
    });
    const { id } = await server.newToken({ scope: 'sync' });
    const { cookie, headers, ask } = await signInBrowser(server, id);
    expect((await ask(`/cliniko/sync-logs/${OURS}`)).status).toBe(200);
    expect((await ask(`/cliniko/sync-logs/${THEIRS}`)).status).toBe(403);
    expect((await ask(`/organizations/${OURS}`, { method: 'DELETE' })).status).toBe(403);
    const start = (sent: Record<string, string>) =>
      server.api(`/cliniko/sync-changed/${OURS}`, { method: 'POST', headers: { cookie, ...sent } });
    expect((await start(headers)).status).toBe(200);
    // Without https a browser sends the origin only.
    expect((await start({ origin: headers.origin ?? '' })).status).toBe(200);
    const foreign: Record<string, string>[] = [
      {},
      { origin: 'https://panel.example' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site' },
      { ...headers, 'sec-fetch-site': 'same-site' },
    ];
    for (const sent of foreign) expect(await codeOf(await start(sent))).toBe('ORIGIN_NOT_ALLOWED');
    const read = (sent: Record<string, string>) =>
      server.api(`/cliniko/quarantine/${OURS}?format=csv`, { headers: { cookie, ...sent } });
    expect((await read({ 'sec-fetch-site': 'none' })).status).toBe(200);
    expect((await read({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    // A token in the header is no matter of cookies.
    const { token } = await server.newToken({ scope: 'sync' });
    expect((await start({ authorization: `Bearer ${token}` })).status).toBe(200);

    const socket = startSocket(server, '?organizations=*', {
      headers: { cookie, origin: headers.origin ?? '' },
    });
    expect((await socket.until('subscribed'))[0]).toMatchObject({ streams: [{ organization_id: OURS }] });
    expect(await startSocket(server, '', { headers: { cookie } }).closed).toBe(4403);
    expect(
      await startSocket(server, '', { headers: { cookie, origin: 'https://evil.example' } }).closed,
    ).toBe(403);
  });

  test('is renewed by a day of use, up to the longest time of a session', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { sql } = server.database;
    const { id } = await server.newToken();
    const { ask, headers } = await signInBrowser(server, id);
    expect((await ask('/account')).headers.getSetCookie()).toEqual([]);
    const renewedAfter = async (days: number) => {
      await sql`update browser_sessions set renewed_at = now() - interval '25 hours',
        created_at = now() - make_interval(days => ${days}), expires_at = now() + interval '3 days'`;
      let cookies: string[] = [];
      // A session is cached for two seconds.
      await expect
        .poll(async () => (cookies = (await ask('/account')).headers.getSetCookie()))
        .toHaveLength(1);
      expect(cookies[0]).toMatch(/HttpOnly; SameSite=Strict$/i);
      expect((await ask('/account')).headers.getSetCookie()).toEqual([]);
      const [row] = await sql<{ left: number }[]>`
        select extract(epoch from expires_at - now())::float8 * 1000 as left from browser_sessions`;
      return Math.round((row?.left ?? 0) / DAY_MS);
    };
    expect(await renewedAfter(2)).toBe(IDLE_DAYS);
    expect(await renewedAfter(LONGEST_DAYS - 7)).toBe(7);
    const stream = await openStream(server.streamUrl(OURS), headers);
    await stream.until((sent) => sent.length === 2);
    const [session] = await sql<{ id: number }[]>`
      update browser_sessions set expires_at = now() returning id`;
    await expect.poll(async () => (await ask('/account')).status).toBe(401);
    await stream.until(saysBye);
    expect(await renewSession({ sql }, session?.id ?? 0)).toBeUndefined();
  });
});

describe('the end of a session', () => {
  test('by a sign-out ends its streams and its stream tokens at once, and no other session', async ({
    databaseUrl,
  }) => {
    // Without what a server does each second, only the sign-out itself can end a stream.
    const { setInterval: real } = globalThis;
    vi.spyOn(globalThis, 'setInterval').mockImplementation(((work: () => void, ms: number) =>
      real(ms === 1_000 ? () => {} : work, ms)) as typeof setInterval);
    const server = await startGuardedServer(databaseUrl);
    const { id } = await server.newToken();
    const [one, two] = [await signInBrowser(server, id), await signInBrowser(server, id)];
    const streams = await Promise.all(
      [one, two].map(({ headers }) => openStream(server.streamUrl(OURS), headers)),
    );
    for (const stream of streams) await stream.until((sent) => sent.length === 2);
    const issued = await one.ask('/stream-tokens', { method: 'POST', body: '{}' });
    const { token } = StreamToken.parse(await issued.json());
    const byToken = await openStream(server.streamUrl(OURS, `?token=${token}`));
    await byToken.until((sent) => sent.length === 2);
    const { id: otherId } = await server.newToken();
    const other = await signInBrowser(server, otherId);

    const left = await one.ask('/sign-out', { method: 'POST', body: '{}' });
    expect(left.status).toBe(204);
    expect(left.headers.getSetCookie()[0]).toMatch(/^patient-sync-session=; Max-Age=0/i);
    expect((await one.ask('/account')).status).toBe(401);
    expect((await fetch(server.streamUrl(OURS, `?token=${token}`))).status).toBe(401);
    await streams[0]?.until(saysBye);
    await byToken.until(saysBye);
    expect((await two.ask('/account')).status).toBe(200);

    const three = await signInBrowser(server, id);
    expect((await three.ask('/sign-out', { method: 'POST', body: '{"everywhere": true}' })).status).toBe(204);
    expect([await two.ask('/account'), await three.ask('/account')].map(({ status }) => status)).toEqual([
      401, 401,
    ]);
    await streams[1]?.until(saysBye);
    expect((await other.ask('/account')).status).toBe(200);
    expect(
      await server.database.sql`select details from audit_log where action = 'session.end' order by id`,
    ).toEqual([1, 2].map((sessions) => ({ details: { token_id: id, sessions } })));
  });

  test('reaches the streams of another server, and follows the revocation of its token', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id } = await server.newToken();
    const other = await startTestServer(databaseUrl, {
      organizations: [],
      cliniko: server.cliniko,
      config: { auth: 'tokens' },
    });
    const browser = await signInBrowser(server, id);
    const there = `${other.url}/api/v1/cliniko/sync-logs/${OURS}/events`;
    const stream = await openStream(there, { cookie: browser.cookie });
    await stream.until((sent) => sent.length === 2);
    await browser.ask('/sign-out', { method: 'POST', body: '{}' });
    await stream.until(saysBye);

    const again = await signInBrowser(server, id);
    const socket = startSocket(server, '?organizations=*', { headers: again.headers });
    await socket.until('subscribed');
    await server.revoke(id);
    await socket.until('bye');
    await expect.poll(async () => (await again.ask('/account')).status).toBe(401);
    expect(await codeOf(await again.ask('/account'))).toBe('UNAUTHENTICATED');
  });

  test('comes with the next sign-in of the same browser', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id } = await server.newToken();
    const before = await signInBrowser(server, id);
    await postCode(server, await newCode(server, id), before.headers);
    expect((await before.ask('/account')).status).toBe(401);
    expect(await server.database.sql`select id from browser_sessions`).toHaveLength(1);
  });
});
