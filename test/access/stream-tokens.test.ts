/** Streams of browsers, which cannot send headers: short-lived tokens in the address. */
import { Hono } from 'hono';
import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, test as plainTest } from 'vitest';
import { StreamToken } from '#contract/access.ts';
import { Bye } from '#contract/stream-event.ts';
import { createPendingSignIns, type PendingSignIns } from '../../src/access/pending-sign-in.ts';
import { streamSigningKey } from '../../src/access/stream-tokens.ts';
import type { Config } from '../../src/config/config.ts';
import { test } from '../support/database.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';
import { startSocket } from '../support/socket.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { cookieOf } from './support/browser-session.ts';
import { type GuardedServer, OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const ask = (server: GuardedServer, token: string, body: unknown = {}) =>
  server.as(token, '/stream-tokens', { method: 'POST', body: JSON.stringify(body) });
const streamToken = async (server: GuardedServer, token: string, body?: unknown) =>
  StreamToken.parse(await (await ask(server, token, body)).json());

describe('a stream token', () => {
  test('opens streams of the organizations that it names, for ten minutes at most', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const issuer = await server.token({ organizations: [OURS, THEIRS] });
    const { organizations, expires_at, token } = await streamToken(server, issuer, { organizations: [OURS] });
    expect(organizations).toEqual([OURS]);
    expect(Date.parse(expires_at)).toBeLessThanOrEqual(Date.now() + 600_000);

    const stream = await openStream(server.streamUrl(OURS, `?token=${token}`));
    await stream.until((sent) => sent.length === 2);
    expect((await fetch(server.streamUrl(THEIRS, `?token=${token}`))).status).toBe(403);
    const socket = startSocket(server, `?organizations=*&token=${token}`);
    expect((await socket.until('subscribed'))[0]).toMatchObject({ streams: [{ organization_id: OURS }] });
  });

  test('opens nothing but streams', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { token } = await streamToken(server, server.admin);
    expect((await server.api(`/organizations?token=${token}`)).status).toBe(401);
    expect((await server.api(`/cliniko/sync-all/${OURS}?token=${token}`, { method: 'POST' })).status).toBe(
      401,
    );
    expect((await server.as(token, '/organizations')).status).toBe(401);
    // And an API token does not belong into an address.
    expect((await fetch(server.streamUrl(OURS, `?token=${server.admin}`))).status).toBe(401);
  });

  test('holds no more than the token that asks', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const issuer = await server.token();
    const foreign = await ask(server, issuer, { organizations: [OURS, THEIRS] });
    const missing = await ask(server, issuer, { organizations: [999] });
    expect([foreign.status, missing.status]).toEqual([403, 403]);
    expect(await foreign.text()).toBe(await missing.text());
    expect(await streamToken(server, issuer)).toMatchObject({ organizations: [OURS] });
    expect(await streamToken(server, server.admin)).toMatchObject({ organizations: '*' });
    const withoutBody = await server.as(issuer, '/stream-tokens', { method: 'POST' });
    expect(await withoutBody.json()).toMatchObject({ organizations: [OURS] });
    expect((await ask(server, issuer, { organizations: [] })).status).toBe(400);

    // Also when that one holds less by then.
    const both = await server.newToken({ organizations: [OURS, THEIRS] });
    const { token } = await streamToken(server, both.token, { organizations: [OURS, THEIRS] });
    const { sql } = server.database;
    await sql`update api_tokens set organizations = ${[OURS]}::int[] where id = ${both.id}`;
    expect((await fetch(server.streamUrl(THEIRS, `?token=${token}`))).status).toBe(403);
  });

  test('sends reauth before it expires; then it opens nothing, and a new one resumes without a gap', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { config: { streamTokenSeconds: 5 } });
    const { token, expires_at } = await streamToken(server, server.admin);
    const stream = await openStream(server.streamUrl(OURS, `?token=${token}`));
    const socket = startSocket(server, `?organizations=*&token=${token}`);
    await socket.until('hello');
    await stream.ended;
    expect(Date.now()).toBeLessThan(Date.parse(expires_at));
    expect(Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? ''))).toMatchObject({ reason: 'reauth' });
    expect(await socket.closed).toBe(4401);
    expect(socket.frames().at(-1)).toMatchObject({ type: 'bye', reason: 'reauth' });

    await expect.poll(async () => (await fetch(server.streamUrl(OURS, `?token=${token}`))).status).toBe(401);
    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    // The next token lives for five seconds too, and a sync on a busy machine may take longer.
    await expect
      .poll(async () => (await server.as(server.admin, `/cliniko/sync-logs/${OURS}?status=completed`)).text())
      .toContain('"completed"');
    const again = await streamToken(server, server.admin);
    const since = stream.events.find(({ id }) => id !== undefined)?.id;
    const resumed = await openStream(server.streamUrl(OURS, `?token=${again.token}&since=${since}`));
    const sent = await resumed.until(hasEnded);
    expect(sent[1]).toMatchObject({ event: 'started' });
  });

  test('that is stolen dies with the token behind it, on every server', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const other = await startGuardedServer(databaseUrl, { organizations: [] });
    const { id, token: issuer } = await server.newToken();
    const { token, expires_at } = await streamToken(server, issuer);
    const streams = await Promise.all([
      openStream(server.streamUrl(OURS, `?token=${token}`)),
      openStream(other.streamUrl(OURS, `?token=${token}`)),
      openStream(other.streamUrl(OURS), { authorization: `Bearer ${issuer}` }),
    ]);
    const bystander = await openStream(other.streamUrl(OURS), { authorization: `Bearer ${other.admin}` });
    const socket = startSocket(other, `?organizations=*&token=${token}`);
    await socket.until('subscribed');
    for (const stream of [...streams, bystander]) await stream.until((sent) => sent.length === 2);

    await server.revoke(id);
    await Promise.all([...streams.map((stream) => stream.ended), socket.closed]);
    // Revoked, not expired: the stream token has minutes left.
    expect(Date.now()).toBeLessThan(Date.parse(expires_at) - 300_000);
    for (const stream of streams) expect(stream.events.at(-1)?.data).toContain('"reauth"');
    expect((await fetch(server.streamUrl(OURS, `?token=${token}`))).status).toBe(401);
    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    await bystander.until(hasEnded);
    expect(streams.some(({ text }) => text().includes('started'))).toBe(false);
  });

  test('that we did not sign as one opens nothing', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { token } = await streamToken(server, server.admin);
    const [header, , signature] = token.split('.');
    const key = streamSigningKey(CREDENTIALS_KEY);
    const claims = decodeJwt(token);
    const sign = (head: { alg: string; typ?: string }, secret: Uint8Array) =>
      new SignJWT(claims).setProtectedHeader(head).sign(secret);
    const forged = [
      `${header}.${Buffer.from(JSON.stringify({ ...claims, exp: 4_000_000_000 })).toString('base64url')}.${signature}`,
      `${Buffer.from('{"alg":"none","typ":"patient-sync-stream+jwt"}').toString('base64url')}.${token.split('.')[1]}.`,
      await sign({ alg: 'HS256', typ: 'patient-sync-stream+jwt' }, CREDENTIALS_KEY),
      await sign({ alg: 'HS256', typ: 'JWT' }, key),
      token.slice(0, -2),
      'x',
      '',
    ];
    for (const one of forged) {
      expect((await fetch(server.streamUrl(OURS, `?token=${one}`))).status, one).toBe(401);
      expect(await startSocket(server, `?organizations=*&token=${one}`).closed).toBe(4401);
    }
  });
});

describe('during a rotation of CREDENTIALS_KEY', () => {
  test('a server with the new key takes the stream tokens of a server with the old one', async ({
    databaseUrl,
  }) => {
    const old = await startGuardedServer(databaseUrl);
    const { token } = await streamToken(old, old.admin);
    const startWith = (change: Partial<Config>) =>
      startGuardedServer(databaseUrl, {
        organizations: [],
        config: { credentialsKey: Buffer.alloc(32, 9), ...change },
      });
    const rotated = await startWith({ previousCredentialsKey: CREDENTIALS_KEY });
    await (await openStream(rotated.streamUrl(OURS, `?token=${token}`))).until((sent) => sent.length === 2);
    // The rotation is over.
    const next = await startWith({});
    expect((await fetch(next.streamUrl(OURS, `?token=${token}`))).status).toBe(401);
    const { token: ofRotated } = await streamToken(rotated, rotated.admin);
    await (await openStream(next.streamUrl(OURS, `?token=${ofRotated}`))).until((sent) => sent.length === 2);
  });

  plainTest('a server with the new key finishes a sign-in that began at one with the old key', async () => {
    const [oldKey, newKey] = [Buffer.alloc(32, 7), Buffer.alloc(32, 9)];
    const content = {
      state: 's',
      nonce: 'n',
      codeVerifier: 'v',
      redirectUri: 'https://x.example/',
      returnTo: '/',
    };
    const began = new Hono().get('/', async (c) => {
      await createPendingSignIns(oldKey, '').store(c, content);
      return c.body(null);
    });
    const cookie = cookieOf(await began.request('/'));
    const takenBy = async (pendingSignIns: PendingSignIns) => {
      const end = new Hono().get('/', async (c) => c.json((await pendingSignIns.take(c)) ?? null));
      return (await end.request('/', { headers: { cookie } })).json();
    };
    expect(await takenBy(createPendingSignIns(newKey, '', oldKey))).toEqual(content);
    expect(await takenBy(createPendingSignIns(newKey, ''))).toBeNull();
  });
});

describe('a socket', () => {
  test('closes with a code that says why', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const bearer = { authorization: `Bearer ${await server.token()}` };
    expect(await startSocket(server, '').closed).toBe(4401);
    expect(
      await startSocket(server, '', { headers: { ...bearer, origin: 'https://evil.example' } }).closed,
    ).toBe(403);
  });

  test('never gets organizations that its token does not hold, even by name', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const socket = startSocket(server, '', { headers: { authorization: `Bearer ${await server.token()}` } });
    await socket.until('hello');
    socket.send({ type: 'subscribe', id: 'both', organizations: [OURS, THEIRS] });
    socket.send({ type: 'subscribe', id: 'none', organizations: [999] });
    const refused = await socket.until('error', 2);
    expect(refused).toMatchObject([
      { id: 'both', code: 'FORBIDDEN' },
      { id: 'none', code: 'FORBIDDEN' },
    ]);
    socket.send({
      type: 'subscribe',
      id: 'all',
      organizations: '*',
      since: { [THEIRS]: 'x.1' },
      conflate_ms: 0,
    });
    const [subscribed] = await socket.until('subscribed');
    expect(subscribed).toMatchObject({ streams: [{ organization_id: OURS }] });

    const witness = startSocket(server, '?organizations=*', {
      headers: { authorization: `Bearer ${server.admin}` },
    });
    await witness.until('subscribed');
    for (const id of [THEIRS, OURS])
      await server.as(server.admin, `/cliniko/sync-all/${id}`, { method: 'POST' });
    await witness.until('completed', 2);
    await socket.until('completed');
    expect(socket.texts.join('')).not.toContain(`"organization_id":${THEIRS}`);
  });
});
