/** SSE streams as a client sees them: start, resume, lost history, and two servers with identical output. */
import { describe, expect, vi } from 'vitest';
import { Bye, Hello, SnapshotEvent } from '#contract/stream-event.ts';
import { connectInTest, test } from '../support/database.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { changesOf, hasEnded, helloOf, logListText, openStream } from '../support/stream.ts';

const address = (server: TestServer, org = 55, query = '') =>
  `${server.url}/api/v1/cliniko/sync-logs/${org}/events${query}`;

function externalWriter(databaseUrl: string) {
  const sql = connectInTest(databaseUrl, { max: 2 });
  return {
    sql,
    begin: () => sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (55, 'by_hand', 'running', now() at time zone 'utc')`,
    step: () => sql`update sync_logs set records_processed = records_processed + 1 where status = 'running'`,
    end: () => sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'`,
  };
}

describe('a fresh stream', () => {
  test('has its headers, sends hello, and a snapshot of the organization', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const stream = await openStream(address(server));
    const [hello, snapshot] = await stream.until((sent) => sent.length === 2);

    const asked = await fetch(address(server), { method: 'HEAD' });
    for (const { status, headers } of [stream.response, asked]) {
      expect(status).toBe(200);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
    }
    expect(stream.text().startsWith('retry: 2000\n\nevent: hello\ndata: {"v":1,"type":"hello"')).toBe(true);
    expect(hello?.id).toBeUndefined();
    expect(Hello.parse(JSON.parse(hello?.data ?? ''))).toMatchObject({ recovered: true, reason: null });
    expect(SnapshotEvent.parse(JSON.parse(snapshot?.data ?? ''))).toMatchObject({ seq: 0, log: null });
    expect(snapshot?.id).toMatch(/^[a-z0-9]+\.0$/);
  });

  test('has the headers of every response, and connection: close', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { response } = await openStream(address(server));
    const headers = Object.fromEntries(response.headers);

    expect(headers).toMatchObject({ connection: 'close', 'x-frame-options': 'DENY' });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(Math.abs(Date.now() - Date.parse(response.headers.get('date') ?? ''))).toBeLessThan(60_000);
  });

  test('is sent without chunks to an HTTP/1.0 client', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { pathname } = new URL(address(server));
    const connection = openRaw(server.url, `GET ${pathname} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
    const text = await connection.until('event: snapshot');

    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain('transfer-encoding');
    expect(text).toContain('\r\n\r\nretry: 2000\n\nevent: hello\n');
    expect(text).toMatch(/\n\nid: [a-z0-9]+\.0\nevent: snapshot\n/);
  });

  test('is served to a request behind an unfinished response on the same connection', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { pathname } = new URL(address(server));
    const requests = ['/api/v1/cliniko/sync-logs/55', pathname].map(
      (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    const connection = openRaw(server.url, requests.join(''));
    expect(await connection.until('event: snapshot')).toContain(logListText(55));
  });

  test('is refused when the request has a body', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { pathname } = new URL(address(server));
    const body = 'content-length: 100\r\n\r\nthe rest never comes';
    const connection = openRaw(server.url, `GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n${body}`);
    const text = await connection.until('"field":"body"');
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('misses no event that happens while it opens', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, step, end } = externalWriter(databaseUrl);
    await begin();
    const writing = (async () => {
      for (let n = 0; n < 60; n++) await step();
      await end();
    })();
    const streams = await Promise.all(Array.from({ length: 8 }, () => openStream(address(server))));
    await writing;
    for (const stream of streams) {
      const sent = await stream.until(
        (all) =>
          hasEnded(all) ||
          all.some(({ event, data }) => event === 'snapshot' && data.includes('"completed"')),
      );
      const seqs = sent.flatMap(({ id }) => (id === undefined ? [] : [Number(id.split('.')[1])]));
      expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
      expect(seqs.at(-1)).toBe(62);
    }
  });
});

describe('a resumed stream', () => {
  test('continues after its cursor, with the same bytes; the header wins over the URL', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, step, end } = externalWriter(databaseUrl);
    await begin();
    const witness = await openStream(address(server, 55, `?since=${await epochOf(server)}.0`));
    for (let n = 0; n < 5; n++) await step();
    await end();
    const all = changesOf(await witness.until(hasEnded));
    expect(all).toHaveLength(7);

    for (const [index, { id = '' }] of all.entries()) {
      const resumed = await openStream(address(server, 55, '?since=nonsense'), { 'last-event-id': id });
      const sent = await resumed.until((events) => events.length >= 7 - index);
      expect(helloOf(sent)).toMatchObject({ recovered: true, reason: null });
      expect(sent.slice(1)).toEqual(all.slice(index + 1));
      resumed.close();
    }
  });

  test.for([
    ['malformed', () => 'what?'],
    ['epoch', () => 'anotherepoch.3'],
    ['future', (epoch: string) => `${epoch}.999999999999999999`],
    ['trimmed', (epoch: string) => `${epoch}.1`],
    ['too_far', (epoch: string) => `${epoch}.5`],
  ] as const)(
    'reports %s when it cannot resume, and sends a snapshot',
    async ([reason, since], { databaseUrl }) => {
      const server = await startTestServer(databaseUrl, { organizations: [] });
      const { sql, begin } = externalWriter(databaseUrl);
      await begin();
      await sql`do $$ begin for n in 1..1100 loop update sync_logs set records_processed = n; end loop; end $$`;
      await sql`delete from sync_events where seq <= 3`;
      const stream = await openStream(address(server), { 'last-event-id': since(await epochOf(server)) });
      const sent = await stream.until((events) => events.length === 2);

      expect(helloOf(sent)).toMatchObject({ recovered: false, reason });
      expect(SnapshotEvent.parse(JSON.parse(sent[1]?.data ?? ''))).toMatchObject({
        seq: 1101,
        log: { records_processed: 1100 },
      });
    },
  );

  async function epochOf(server: TestServer): Promise<string> {
    const response = await server.api('/cliniko/sync-logs/55?limit=1');
    return /^"([a-z0-9]+)\./.exec(response.headers.get('etag') ?? '')?.[1] ?? '';
  }
});

describe('two servers on one database', () => {
  test('send the same bytes, no matter which one runs the sync', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl, { latencyMs: 20 });
    const second = await startTestServer(databaseUrl, { cliniko: first.cliniko, organizations: [] });
    const streams = await Promise.all([openStream(address(first, 123)), openStream(address(second, 123))]);
    for (const stream of streams) await stream.until((sent) => sent.length === 2);
    await first.api('/cliniko/sync-all/123', { method: 'POST' });
    const [one, other] = await Promise.all(streams.map((stream) => stream.until(hasEnded)));

    expect(changesOf(one ?? [])).toEqual(changesOf(other ?? []));
    expect(changesOf(one ?? []).length).toBeGreaterThan(13);
  });

  test('continue without a gap after all database sessions were terminated', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { sql, begin, step, end } = externalWriter(databaseUrl);
    const stream = await openStream(address(server));
    await stream.until((sent) => sent.length === 2);
    await begin();
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    for (let n = 0; n < 20; n++) await step();
    await end();

    const changes = changesOf(await stream.until(hasEnded));
    expect(changes.map(({ id }) => Number(id?.split('.')[1]))).toEqual(
      Array.from({ length: 22 }, (_, n) => n + 1),
    );
  });
});

describe('a server that stops', () => {
  test('sends bye with a retry delay', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const stream = await openStream(address(server));
    await stream.until((sent) => sent.length === 2);
    await server.stop();
    await stream.ended;

    expect(Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? ''))).toMatchObject({ reason: 'restart' });
  });
});

describe('a stream whose client has disconnected', () => {
  test('is removed', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, step } = externalWriter(databaseUrl);
    await begin();
    for (let n = 0; n < 5; n++) {
      const stream = await openStream(address(server));
      await stream.until((sent) => sent.length === 2);
      stream.close();
    }
    await step();
    const stream = await openStream(address(server));
    await vi.waitFor(() => expect(stream.events).toHaveLength(2));
    await step();
    expect(changesOf(await stream.until((sent) => sent.length === 3))).toHaveLength(1);
  });
});
