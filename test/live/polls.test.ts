/** Polls that cost no query, and never return an older state than an earlier response. */
import { describe, expect, vi } from 'vitest';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openStatementProxy } from '../support/statement-proxy.ts';
import { openStream } from '../support/stream.ts';

const POLL = '/cliniko/sync-logs/55?limit=1';

async function poll(server: TestServer, query = '', headers: Record<string, string> = {}) {
  const response = await server.api(`${POLL}${query}`, { headers });
  const body = await response.text();
  const etag = response.headers.get('etag') ?? '';
  return { status: response.status, body, etag, seq: Number(/\.(\d+)"$/.exec(etag)?.[1]) };
}

async function subscriber(server: TestServer, organization = 55) {
  const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/${organization}/events`);
  await stream.until((sent) => sent.length === 2);
  return stream;
}

describe('a poll of an organization with a subscriber', () => {
  test('costs no query, and equals the response from the database byte for byte', async ({ databaseUrl }) => {
    const proxy = await openStatementProxy(databaseUrl);
    const server = await startTestServer(proxy.url, {
      organizations: [],
      config: { listenDatabaseUrl: databaseUrl },
    });
    const { begin, step } = openExternalWriter(databaseUrl);
    await begin();
    const stream = await subscriber(server);
    await step();
    await stream.until((sent) => sent.length === 3);
    const statements: string[] = [];
    proxy.onStatement = ({ text }) => statements.push(text);
    const answers: Awaited<ReturnType<typeof poll>>[] = [];
    await vi.waitFor(async () => {
      statements.length = 0;
      answers.length = 0;
      for (let n = 0; n < 20; n++) answers.push(await poll(server));
      // The query of the poll, and the query of the head for an ETag.
      expect(statements.filter((text) => /json_agg|as head$/.test(text.trim()))).toEqual([]);
    }, 5_000);

    const asked = await (await server.api(`${POLL}&status=running`)).text();
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([asked]));
    expect(await poll(server, '', { 'if-none-match': answers[0]?.etag ?? '' })).toMatchObject({
      status: 304,
    });
  });

  test('never returns an older state than an earlier poll, stream or start of a sync', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 5 });
    const letGo = holdPage(server, 7);
    await subscriber(server, 123);
    const seqs: number[] = [];
    const started = await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const { sync_log_id: id } = await started.json();
    for (let isRunning = true; isRunning; ) {
      for (const query of ['?limit=1', '?limit=20', '?limit=1&status=running']) {
        const response = await server.api(`/cliniko/sync-logs/123${query}`);
        const body: { logs: { id: number; status: string }[] } = await response.json();
        seqs.push(Number(/\.(\d+)"$/.exec(response.headers.get('etag') ?? '')?.[1]));
        if (query === '?limit=1') {
          expect(body.logs[0]?.id).toBe(id);
          isRunning = body.logs[0]?.status === 'running';
        }
      }
      if (seqs.length > 20) letGo();
    }
    expect(seqs).toEqual([...seqs].sort((one, other) => one - other));
  });
});

describe('a poll at another server', () => {
  test('returns at least the state of its cursor, and 304 for an unchanged state', async ({
    databaseUrl,
  }) => {
    const first = await startTestServer(databaseUrl, { organizations: [] });
    const second = await startTestServer(databaseUrl, { organizations: [], cliniko: first.cliniko });
    const { begin, step } = openExternalWriter(databaseUrl);
    await begin();
    await subscriber(first);
    await subscriber(second);
    for (let n = 0; n < 25; n++) {
      await step();
      const seen = await poll(first, `&at_least=x.1`.replace('x.1', 'other.1'));
      const [byCursor, byTag] = await Promise.all([
        poll(second, `&at_least=${seen.etag.slice(1, -1)}`),
        poll(second, '', { 'if-none-match': seen.etag }),
      ]);
      expect(byCursor.seq).toBeGreaterThanOrEqual(seen.seq);
      expect(byTag.seq).toBeGreaterThanOrEqual(seen.seq);
      expect(byTag.status).toBe(byTag.seq === seen.seq ? 304 : 200);
    }
  });
});
