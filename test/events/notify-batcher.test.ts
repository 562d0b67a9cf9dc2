/** When nudges leave: with a clock that stands still, whatever would wait for a timer never comes. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { NotifyBatcher } from '../../src/events/notify-batcher.ts';
import { CHANNEL } from '../../src/events/notify-payload.ts';
import { test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';

async function listen(databaseUrl: string) {
  const sql = connectPostgres(databaseUrl);
  const heard: string[] = [];
  let onHeard = (): void => {};
  await sql.listen(CHANNEL, (payload) => {
    heard.push(payload);
    onHeard();
  });
  const until = (count: number) =>
    new Promise<string[]>((resolve) => {
      onHeard = () => heard.length >= count && resolve(heard);
      onHeard();
    });
  return { until, close: () => sql.end({ timeout: 1 }) };
}

describe('news after a quiet time', () => {
  test('leave at once, also behind the test of a listener', async ({ databaseUrl }) => {
    const ear = await listen(databaseUrl);
    const outbox = new NotifyBatcher(databaseUrl, 'us');
    onTestFinished(async () => {
      vi.useRealTimers();
      await outbox.close();
      await ear.close();
    });
    // Opening the connection takes timers of its own.
    outbox.send('t:1@us');
    await ear.until(1);
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    outbox.send('t:2@us');
    await ear.until(2);
    outbox.add({ organizations: [7], work: false });

    expect(await ear.until(3)).toEqual(['t:1@us', 't:2@us', 'e:7@us']);
  });
});
