/** Intended ends of connections: rotation, and the drain when the server stops. */
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { Bye } from '#contract/stream-event.ts';
import { createConnectionRegistry } from '../../src/live/connection-registry.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';

function recordByes(count: number, connections: ReturnType<typeof createConnectionRegistry>) {
  const byes: { reason: string; retryMs: number; at: number }[] = [];
  const all = Array.from({ length: count }, () => ({
    bye: (reason: string, retryMs: number) => void byes.push({ reason, retryMs, at: performance.now() }),
  }));
  for (const connection of all) connections.add(connection);
  return { byes, all };
}

describe('a connection', () => {
  plainTest('is rotated after its lifetime, not before', () => {
    let lifetime = 60_000;
    const connections = createConnectionRegistry(() => lifetime);
    const young = recordByes(1, connections);
    lifetime = 0;
    const old = recordByes(1, connections);
    for (const connection of [...young.all, ...old.all]) connections.rotate(connection);

    expect(young.byes).toEqual([]);
    expect(old.byes).toMatchObject([{ reason: 'rotate' }]);
    connections.byeToAll('restart');
    expect([young.byes.length, old.byes.length]).toEqual([1, 1]);
  });

  plainTest('has a lifetime of 8 to 12 minutes, and each another one', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const connections = createConnectionRegistry();
    const { byes, all } = recordByes(100, connections);
    const endedAfter = (minutes: number) => {
      vi.advanceTimersByTime(minutes * 60_000 - performance.now());
      for (const connection of all) connections.rotate(connection);
      return byes.length;
    };
    expect(endedAfter(7.99)).toBe(0);
    expect(endedAfter(10)).toBeGreaterThan(10);
    expect(endedAfter(10)).toBeLessThan(90);
    expect(endedAfter(12)).toBe(100);
  });
});

describe('a drain', () => {
  plainTest('sends bye to all connections, spread over its time, with different retry delays', async () => {
    const connections = createConnectionRegistry();
    const { byes } = recordByes(40, connections);
    await connections.byeGradually('restart', 400);

    expect(byes).toHaveLength(40);
    expect((byes.at(-1)?.at ?? 0) - (byes[0]?.at ?? 0)).toBeGreaterThan(200);
    expect(new Set(byes.map(({ retryMs }) => retryMs)).size).toBeGreaterThan(20);
  });

  plainTest('of 0 ms sends bye to all connections immediately', async () => {
    const connections = createConnectionRegistry();
    const { byes } = recordByes(40, connections);
    await connections.byeGradually('restart', 0);
    expect(byes).toHaveLength(40);
  });

  test('sends bye on every stream, and accepts new streams until it ends', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [], config: { drainMs: 1_500 } });
    const address = `${server.url}/api/v1/cliniko/sync-logs/55/events`;
    const streams = await Promise.all(Array.from({ length: 12 }, () => openStream(address)));
    const sockets = await Promise.all(
      Array.from({ length: 4 }, () => openSocket(server, '?organizations=*')),
    );
    for (const stream of streams) await stream.until((sent) => sent.length === 2);
    const stopped = server.stop();
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    const late = await openStream(address);
    expect(late.response.status).toBe(200);
    await stopped;

    for (const stream of [...streams, late]) {
      await stream.ended;
      const { reason, retry_ms } = Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? ''));
      expect(reason).toBe('restart');
      expect(retry_ms).toBeGreaterThanOrEqual(500);
    }
    for (const socket of sockets) expect(await socket.closed).toBe(1012);
  });
});
