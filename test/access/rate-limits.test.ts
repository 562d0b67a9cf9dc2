/** Clients above their limits are refused, and other clients are not affected. */
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test as plainTest } from 'vitest';
import { createRateLimits } from '../../src/access/rate-limits.ts';
import type { Config } from '../../src/config/config.ts';
import { type Principal, UNRESTRICTED } from '../../src/http/principal.ts';
import { connectInTest, test } from '../support/database.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';
import { OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const GENEROUS: Config['limits'] = {
  requestsPerToken: 100_000,
  requestsPerOrganization: 100_000,
  badTokensPerAddress: 100_000,
  streamsPerToken: 10_000,
  streamsPerOrganization: 10_000,
  streams: 10_000,
  connections: 10_000,
  connectionsPerAddress: 10_000,
};

function expectLimitHeaders(response: Response | undefined, limit: number): void {
  const numberOf = (name: string) => Number(response?.headers.get(name) ?? Number.NaN);
  expect(numberOf('retry-after')).toBeGreaterThan(0);
  expect(numberOf('x-ratelimit-limit')).toBe(limit);
  expect(numberOf('x-ratelimit-remaining')).toBe(0);
  const answeredAt = Date.parse(response?.headers.get('date') ?? '') / 1_000;
  // The Date header is rounded down, the reset up.
  const waitSeconds = numberOf('x-ratelimit-reset') - answeredAt;
  expect(waitSeconds - numberOf('retry-after')).toBeGreaterThanOrEqual(0);
}

const principal = (actor: string): Principal => ({ ...UNRESTRICTED, actor });

describe('a bucket', () => {
  plainTest('never gives more than a minute holds, and what has flowed in since', () => {
    const steps = fc.array(fc.nat({ max: 5_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), steps, (perMinute, waits) => {
        let now = 0;
        const limits = createRateLimits({ ...GENEROUS, requestsPerToken: perMinute }, () => now);
        let given = 0;
        for (const wait of waits) {
          now += wait;
          try {
            limits.takeRequest(principal('token:1'), undefined);
            given += 1;
          } catch {}
        }
        expect(given).toBeLessThanOrEqual(perMinute + (now * perMinute) / 60_000);
        // Another token has its own.
        limits.takeRequest(principal('token:2'), undefined);
      }),
    );
  });

  plainTest('names the retry time, and accepts requests after it', () => {
    let now = 0;
    const limits = createRateLimits({ ...GENEROUS, requestsPerToken: 6 }, () => now);
    const take = () => limits.takeRequest(principal('token:1'), undefined);
    for (let n = 0; n < 6; n++) take();
    const headers = { 'retry-after': '10', 'x-ratelimit-limit': '6', 'x-ratelimit-remaining': '0' };
    expect(take).toThrow(expect.objectContaining({ headers: expect.objectContaining(headers) }));
    now = 10_000;
    expect(take).not.toThrow();
    // An hour without a request leaves no more than a minute's.
    now = 3_600_000;
    for (let n = 0; n < 6; n++) take();
    expect(take).toThrow();
  });

  plainTest('loses nothing by a request for which its organization has no room', () => {
    const config = { ...GENEROUS, requestsPerToken: 2, requestsPerOrganization: 1 };
    const limits = createRateLimits(config, () => 0);
    const take = (organizationId: number) => limits.takeRequest(principal('token:1'), organizationId);
    take(1);
    expect(() => take(1)).toThrow();
    expect(() => take(2)).not.toThrow();
  });

  plainTest('is forgotten when 20,000 others were used since, and the others are not', () => {
    const limits = createRateLimits({ ...GENEROUS, requestsPerToken: 1 }, () => 0);
    const take = (actor: string) => () => limits.takeRequest(principal(actor), undefined);
    for (let n = 0; n < 20_000; n++) take(`token:${n}`)();
    expect(take('token:0')).toThrow();
    take('token:new')();
    expect(take('token:0')).toThrow();
    expect(take('token:1')).not.toThrow();
  });

  plainTest('is one for all addresses of an IPv6 network, and for each socket without an account', () => {
    const limits = createRateLimits({ ...GENEROUS, badTokensPerAddress: 1, requestsPerToken: 1 }, () => 0);
    limits.takeBadToken('2001:db8::1');
    expect(() => limits.takeBadToken('2001:db8:0:0:1:2:3:4')).toThrow();
    expect(() => limits.takeBadToken('2001:db8:0:1::1')).not.toThrow();
    limits.takeFrame(UNRESTRICTED, 1);
    expect(() => limits.takeFrame(UNRESTRICTED, 1)).toThrow();
    expect(() => limits.takeFrame(UNRESTRICTED, 2)).not.toThrow();
  });
});

/** A bucket refills while the requests are sent: on a slow machine more of them are accepted. */
const acceptedAtMost = (perMinute: number, began: number): number =>
  perMinute + ((performance.now() - began) * perMinute) / 60_000;

describe('a flood of requests', () => {
  test('of one token is a 429 with a retry time; another token is not affected', async ({ databaseUrl }) => {
    // The run lasts as long as the flood, however slow the machine is.
    const server = await startGuardedServer(databaseUrl, {
      config: { limits: { ...GENEROUS, requestsPerToken: 60 } },
      latencyMs: 60_000,
    });
    const [greedy, modest] = await Promise.all([server.token({ scope: 'sync' }), server.token()]);
    const path = `/cliniko/sync-all/${OURS}`;
    const began = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => server.as(greedy, path, { method: 'POST' })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.length - refused.length).toBeLessThanOrEqual(acceptedAtMost(60, began));
    const started = answers.filter(({ status }) => status === 200);
    const bodies = await Promise.all(started.map((answer) => answer.json()));
    expect(bodies.filter(({ already_running }) => !already_running)).toHaveLength(1);
    expect(await refused[0]?.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expectLimitHeaders(refused[0], 60);
    expect((await server.as(modest, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
  });

  test('for one organization is a 429; another organization is not affected', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { limits: { ...GENEROUS, requestsPerOrganization: 20 } },
    });
    const poll = async (id: number) => (await server.as(server.admin, `/cliniko/sync-logs/${id}`)).status;
    const began = performance.now();
    const statuses = await Promise.all(Array.from({ length: 40 }, () => poll(OURS)));
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(acceptedAtMost(20, began));
    // Requests of a token that does not hold the organization take nothing of its bucket.
    const outsider = await server.token({ organizations: [OURS] });
    const path = `/cliniko/sync-logs/${THEIRS}`;
    const refused = await Promise.all(Array.from({ length: 40 }, () => server.as(outsider, path)));
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([403]));
    expect(await poll(THEIRS)).toBe(200);
  });
});

describe('a flood of streams', () => {
  test('is refused before they open, and open streams stay open', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { limits: { ...GENEROUS, streamsPerToken: 20 } },
    });
    const bystander = await openStream(server.streamUrl(OURS), { authorization: `Bearer ${server.admin}` });
    const headers = { authorization: `Bearer ${await server.token()}` };
    const streams = await Promise.all(
      Array.from({ length: 500 }, () => openStream(server.streamUrl(OURS), headers)),
    );
    const refused = streams.filter(({ response }) => response.status === 429);
    expect(refused).toHaveLength(480);
    expectLimitHeaders(refused[0]?.response, 20);
    const socket = startSocket(server, '?organizations=*', { headers });
    expect(await socket.closed).toBe(4429);
    // A refused socket is on record as refused, not as opened.
    expect(
      await server.database
        .sql`select from audit_log where action = 'stream.open' and organization_id is null`,
    ).toHaveLength(0);

    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    await bystander.until((sent) => sent.some(({ event }) => event === 'started'));
    // A released slot can be taken again.
    for (const stream of streams) stream.close();
    await expect
      .poll(async () => {
        const again = await openStream(server.streamUrl(OURS), headers);
        return again.response.status;
      })
      .toBe(200);
  });

  test('takes one slot for each connection, however many requests it pipelines', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { auth: 'none', limits: { ...GENEROUS, streams: 2 } },
    });
    const { pathname } = new URL(server.streamUrl(OURS));
    const greedy = openRaw(server.url, `GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(10));
    await greedy.until('event: snapshot');
    // Greedy's second one takes a place as well, until it is clear that its turn will not come.
    await expect.poll(async () => (await openStream(server.streamUrl(OURS))).response.status).toBe(200);
  });

  test('is free again when the client disconnects before its stream opens', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { auth: 'none', limits: { ...GENEROUS, streams: 1 } },
    });
    const sql = connectInTest(databaseUrl);
    await sql`begin`;
    await sql`lock table sync_events`;
    const { pathname } = new URL(server.streamUrl(OURS));
    const open = () => openRaw(server.url, `GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const waiting = () =>
      sql`select 1 from pg_locks where not granted and relation = 'sync_events'::regclass
        and database = (select oid from pg_database where datname = current_database())`;
    const first = open();
    await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0);
    first.socket.end();
    await once(first.socket, 'close');
    // The database has not answered the first one yet. The second one is authorized before the server answers anything later.
    const second = open();
    await fetch(`${server.url}/healthz`);
    await sql`rollback`;
    expect(await second.until('\r\n')).toMatch(/^HTTP\/1.1 200 /);
  });

  test('is bounded for the server as a whole, also without accounts', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { auth: 'none', limits: { ...GENEROUS, streams: 2 } },
    });
    // A request that opens no stream keeps no slot.
    for (let n = 0; n < 3; n++) expect((await server.api('/cliniko/ws')).status).toBe(426);
    const open = () => openStream(server.streamUrl(OURS));
    const streams = await Promise.all([open(), open(), open()]);
    expect(streams.map(({ response }) => response.status).sort()).toEqual([200, 200, 429]);
    // Without accounts there is no person to record.
    const sql = connectInTest(databaseUrl);
    expect(await sql`select from audit_log where action = 'stream.open'`).toHaveLength(0);
  });

  test('counts a socket for the only organization of its token', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { limits: { ...GENEROUS, streamsPerOrganization: 1 } },
    });
    const headers = { authorization: `Bearer ${await server.token()}` };
    await startSocket(server, '', { headers }).until('hello');
    expect((await openStream(server.streamUrl(OURS), headers)).response.status).toBe(429);
  });

  plainTest('gets each slot back once, however often it is released', () => {
    const limits = createRateLimits({ ...GENEROUS, streams: 1 });
    const take = () => limits.takeStream(principal('token:1'), OURS);
    const slot = take();
    slot.release();
    slot.release();
    take();
    expect(take).toThrow();
  });
});
