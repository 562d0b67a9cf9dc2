import { expect, onTestFinished, vi } from 'vitest';
import { Listener, type ListenerOptions } from '../../src/events/listener.ts';
import { CHANNEL } from '../../src/events/notify-payload.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { changeTimers } from '../support/change-timers.ts';
import { test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

test('a listener reports once that its connection is lost, and once that it works again', async ({
  databaseUrl,
}) => {
  const network = await openTcpProxy(databaseUrl);
  const reported: boolean[] = [];
  const onHealth = (healthy: boolean) => void reported.push(healthy);
  const bus = await openPostgresBus(network.url, { selfTest: { everyMs: 200, limitMs: 5_000 }, onHealth });
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

/** Of a self-test: longer than its notification takes on any machine, and of no other timer. */
const LIMIT_MS = 61_000;

/** @returns whether its first self-test arrived */
async function openListener(
  options: Pick<ListenerOptions, 'url' | 'selfTest' | 'notify'> & Partial<ListenerOptions>,
): Promise<boolean> {
  const listener = new Listener({
    throughPooler: false,
    sender: 'us',
    onNudge: () => {},
    onListening: () => {},
    needsNotify: () => true,
    onNeeded: () => {},
    ...options,
  });
  onTestFinished(() => listener.close());
  return await listener.open();
}

test('a listener repeats its first self-test once, when the notification was lost', async ({
  databaseUrl,
}) => {
  const sql = connectPostgres(databaseUrl);
  const sent: string[] = [];
  // The limit of a self-test whose notification is lost is over at once.
  const delays: Record<number, number> = {};
  changeTimers(delays);
  const openAfter = async (lost: number): Promise<boolean> => {
    sent.length = 0;
    delays[LIMIT_MS] = 1;
    return await openListener({
      url: databaseUrl,
      selfTest: { everyMs: 3_600_000, limitMs: LIMIT_MS },
      notify: (payload) => {
        if (sent.push(payload) > lost) void sql.notify(CHANNEL, payload);
        delays[LIMIT_MS] = sent.length < lost ? 1 : LIMIT_MS;
      },
    });
  };
  onTestFinished(() => sql.end());
  expect(await openAfter(1)).toBe(true);
  expect(await openAfter(2)).toBe(false);
  expect(sent).toHaveLength(2);
});

test('a self-test of a lost connection says nothing about the next connection', async ({ databaseUrl }) => {
  const sql = connectPostgres(databaseUrl);
  onTestFinished(() => sql.end());
  const reported: boolean[] = [];
  /** The self-tests after the start: the first is lost with its connection, and found missing while the next one works. */
  const tests: string[] = [];
  /** What the end of its limit does, for each self-test. */
  const limits: (() => void)[] = [];
  const { setTimeout: real } = globalThis;
  const noted = (work: () => void, ms: number, ...args: unknown[]) => {
    if (ms === LIMIT_MS) limits.push(work);
    return real(work, ms, ...args);
  };
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(noted as typeof setTimeout);
  await openListener({
    url: databaseUrl,
    onHealth: (healthy) => void reported.push(healthy),
    selfTest: { everyMs: 500, limitMs: LIMIT_MS },
    notify(payload) {
      if (tests.push(payload) !== 2) void sql.notify(CHANNEL, payload);
    },
  });
  await expect.poll(() => tests, { timeout: 10_000 }).toHaveLength(2);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'patient-sync listener'`;
  await expect.poll(() => reported, { timeout: 10_000 }).toEqual([false, true]);
  const before = tests.length;
  limits[1]?.();
  await expect.poll(() => tests.length, { timeout: 10_000 }).toBeGreaterThan(before);
  expect(reported).toEqual([false, true]);
});
