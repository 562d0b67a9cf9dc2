import { expect, onTestFinished } from 'vitest';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { test } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

test('a listener tells once that it is lost, and once that it is back', async ({ databaseUrl }) => {
  const network = await openTcpProxy(databaseUrl);
  const told: boolean[] = [];
  const onHealth = (healthy: boolean) => void told.push(healthy);
  const bus = await openPostgresBus(network.url, { everyMs: 200, limitMs: 500 }, { onHealth });
  onTestFinished(() => bus.close());
  for (const changes of [
    [false, true],
    [false, true, false, true],
  ]) {
    network.refuse(true);
    await expect.poll(() => told, { timeout: 10_000 }).toEqual(changes.slice(0, -1));
    network.refuse(false);
    await expect.poll(() => told, { timeout: 10_000 }).toEqual(changes);
  }
  await bus.close();
  expect(told).toHaveLength(4);
});
