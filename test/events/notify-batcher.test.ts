/** When batches are sent. With a stopped clock a nudge that needs a timer is never sent. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { NotifyBatcher } from '../../src/events/notify-batcher.ts';
import { CHANNEL } from '../../src/events/notify-payload.ts';
import { test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';

async function listen(databaseUrl: string) {
  const sql = connectPostgres(databaseUrl);
  const received: string[] = [];
  let onReceived = (): void => {};
  await sql.listen(CHANNEL, (payload) => {
    received.push(payload);
    onReceived();
  });
  const until = (count: number) =>
    new Promise<string[]>((resolve) => {
      onReceived = () => received.length >= count && resolve(received);
      onReceived();
    });
  return { until, close: () => sql.end({ timeout: 1 }) };
}

describe('nudges after a pause', () => {
  test('are sent immediately, also after a self-test of the listener', async ({ databaseUrl }) => {
    const listener = await listen(databaseUrl);
    const batcher = new NotifyBatcher(databaseUrl, 'us', false);
    onTestFinished(async () => {
      vi.useRealTimers();
      await batcher.close();
      await listener.close();
    });
    // Opening the connection needs real timers.
    batcher.send('t:1@us');
    await listener.until(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    batcher.send('t:2@us');
    await listener.until(2);
    batcher.add({ organizations: [7], work: false });

    expect(await listener.until(3)).toEqual(['t:1@us', 't:2@us', 'e:7@us']);
  });
});
