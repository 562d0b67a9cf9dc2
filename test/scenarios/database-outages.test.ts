/** Outages of the database: clients that stay connected miss no event. */
import { describe, expect, vi } from 'vitest';
import { migrate } from '../../src/database/migrate.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { test } from '../support/database.ts';
import { killPostmaster, newDataDir, open } from '../support/embedded.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { helloOf, openStream, seqsOf } from '../support/stream.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

const address = (server: TestServer) => `${server.url}/api/v1/cliniko/sync-logs/55/events`;
const range = (to: number) => Array.from({ length: to }, (_, n) => n + 1);
const PATIENCE = { timeout: 20_000, interval: 50 };

async function readiness(server: TestServer): Promise<{ status: number; listener: boolean }> {
  const response = await fetch(`${server.url}/readyz`);
  const body: { checks: { listener: boolean } } = await response.json();
  return { status: response.status, listener: body.checks.listener };
}

describe('connections whose packets are dropped silently', () => {
  test('are replaced: streams continue, and the listener works again', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const server = await startTestServer(network.url, { organizations: [] });
    const { begin, step } = openExternalWriter(databaseUrl);
    const stream = await openStream(address(server));
    await stream.until((sent) => sent.length === 2);
    await begin();
    await stream.until((sent) => seqsOf(sent).length === 1);
    network.goSilent();
    for (let n = 0; n < 10; n++) await step();

    expect(seqsOf(await stream.until((sent) => seqsOf(sent).length === 11))).toEqual(range(11));
  });

  test('are found by the self-test of the listener, and replaced', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const selfTest = { everyMs: 100, limitMs: 300 };
    const bus = await openPostgresBus(network.url, { selfTest });
    const publisher = await openPostgresBus(databaseUrl);
    try {
      const received: number[] = [];
      bus.subscribe((nudge) => void received.push(...nudge.organizations));
      const onMissed = vi.fn();
      bus.onMissed(onMissed);
      network.goSilent();
      await vi.waitFor(() => expect(bus.healthy).toBe(false), PATIENCE);
      await vi.waitFor(() => expect(bus.healthy).toBe(true), PATIENCE);

      expect(onMissed).toHaveBeenCalled();
      publisher.publish({ organizations: [7], work: false });
      await vi.waitFor(() => expect(received).toContain(7), PATIENCE);
    } finally {
      await Promise.all([bus.close(), publisher.close()]);
    }
  });
});

describe('a listener that cannot connect', () => {
  test('falls back to polling, reports it, and recovers without a gap', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const server = await startTestServer(databaseUrl, {
      organizations: [],
      config: { listenDatabaseUrl: network.url },
    });
    const { begin, step } = openExternalWriter(databaseUrl);
    const early = await openStream(address(server));
    expect(helloOf(await early.until((sent) => sent.length === 2))).not.toHaveProperty('live');
    network.refuse(true);
    await vi.waitFor(
      async () => expect(await readiness(server)).toEqual({ status: 200, listener: false }),
      PATIENCE,
    );

    const late = await openStream(address(server));
    expect(helloOf(await late.until((sent) => sent.length === 2)).live).toBe('poll');
    const socket = await openSocket(server);
    expect((await socket.until('hello'))[0]).toMatchObject({ live: 'poll' });
    await begin();
    for (let n = 0; n < 5; n++) await step();
    await late.until((sent) => seqsOf(sent).length === 6);

    network.refuse(false);
    await vi.waitFor(
      async () => expect(await readiness(server)).toEqual({ status: 200, listener: true }),
      PATIENCE,
    );
    await step();
    for (const stream of [early, late]) {
      expect(seqsOf(await stream.until((sent) => seqsOf(sent).length === 7))).toEqual(range(7));
    }
  });
});

describe('a database that crashes and comes back', () => {
  test('keeps its history: the same stream continues without a gap', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await migrate(database.url);
    const server = await startTestServer(database.url, { organizations: [] });
    const first = openExternalWriter(database.url);
    const stream = await openStream(address(server));
    const [hello] = await stream.until((sent) => sent.length === 2);
    await first.begin();
    for (let n = 0; n < 5; n++) await first.step();
    await killPostmaster(dataDir);
    const externalWriter = openExternalWriter(database.url);
    await vi.waitFor(() => externalWriter.step(), PATIENCE);
    for (let n = 0; n < 5; n++) await externalWriter.step();
    await externalWriter.end();
    const sent = await stream.until((all) => all.at(-1)?.event === 'completed');

    expect(seqsOf(sent)).toEqual(range(seqsOf(sent).length));
    expect(seqsOf(sent).length).toBeGreaterThanOrEqual(13);
    const resumed = await openStream(address(server), { 'last-event-id': sent[3]?.id ?? '' });
    const again = await resumed.until((all) => all.at(-1)?.event === 'completed');
    expect(helloOf(again).head.split('.')[0]).toBe(JSON.parse(hello?.data ?? '').head.split('.')[0]);
    expect(again.slice(1)).toEqual(sent.slice(4));
  });

  test('serves streams from memory while it is unavailable', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await migrate(database.url);
    const network = await openTcpProxy(database.url);
    const server = await startTestServer(network.url, { organizations: [] });
    const externalWriter = openExternalWriter(database.url);
    const witness = await openStream(address(server));
    await witness.until((sent) => sent.length === 2);
    await externalWriter.begin();
    await externalWriter.step();
    const known = await witness.until((sent) => seqsOf(sent).length === 2);
    network.refuse(true);

    const fresh = await openStream(address(server));
    expect((await fresh.until((sent) => sent.length === 2))[1]).toMatchObject({ id: known.at(-1)?.id });
    const resumed = await openStream(address(server), { 'last-event-id': known.at(-2)?.id ?? '' });
    expect((await resumed.until((sent) => sent.length === 2))[1]).toEqual(known.at(-1));
    network.refuse(false);
    await externalWriter.step();
    for (const stream of [witness, fresh, resumed]) {
      await stream.until((sent) => sent.at(-1)?.id?.endsWith('.3') === true);
    }
  });
});
