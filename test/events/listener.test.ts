import { expect, onTestFinished } from 'vitest';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { test } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

test('a listener reports once that its connection is lost, and once that it works again', async ({
  databaseUrl,
}) => {
  const network = await openTcpProxy(databaseUrl);
  const reported: boolean[] = [];
  const onHealth = (healthy: boolean) => void reported.push(healthy);
  const bus = await openPostgresBus(network.url, { everyMs: 200, limitMs: 500 }, { onHealth });
  onTestFinished(() => bus.close());
  for (const changes of [
    [false, true],
    [false, true, false, true],
  ]) {
    network.refuse(true);
    await expect.poll(() => reported, { timeout: 10_000 }).toEqual(changes.slice(0, -1));
    network.refuse(false);
    await expect.poll(() => reported, { timeout: 10_000 }).toEqual(changes);
  }
  await bus.close();
  expect(reported).toHaveLength(4);
});
