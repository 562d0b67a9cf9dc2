import { expect, onTestFinished } from 'vitest';
import { Listener } from '../../src/events/listener.ts';
import { CHANNEL } from '../../src/events/notify-payload.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

test('a listener reports once that its connection is lost, and once that it works again', async ({
  databaseUrl,
}) => {
  const network = await openTcpProxy(databaseUrl);
  const reported: boolean[] = [];
  const onHealth = (healthy: boolean) => void reported.push(healthy);
  const bus = await openPostgresBus(network.url, { selfTest: { everyMs: 200, limitMs: 500 }, onHealth });
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

test('a listener repeats its first self-test once, when the notification was lost', async ({
  databaseUrl,
}) => {
  const sql = connectPostgres(databaseUrl);
  const sent: string[] = [];
  const openAfter = async (lost: number): Promise<boolean> => {
    sent.length = 0;
    const listener = new Listener({
      url: databaseUrl,
      throughPooler: false,
      sender: 'us',
      onNudge: () => {},
      onListening: () => {},
      needsNotify: () => true,
      onNeeded: () => {},
      selfTest: { everyMs: 60_000, limitMs: 500 },
      notify: (payload) => {
        if (sent.push(payload) > lost) void sql.notify(CHANNEL, payload);
      },
    });
    onTestFinished(() => listener.close());
    return await listener.open();
  };
  onTestFinished(() => sql.end());
  expect(await openAfter(1)).toBe(true);
  expect(await openAfter(2)).toBe(false);
  expect(sent).toHaveLength(2);
});
