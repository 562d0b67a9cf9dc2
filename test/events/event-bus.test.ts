/** The event bus within one process and through PostgreSQL. NATS: test/peers/nats.test.ts. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { decodeNudge, encodeNudge } from '../../src/events/notify-payload.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { connectInTest, test } from '../support/database.ts';
import { events, record, testEventBus } from './support/event-bus-suite.ts';

testEventBus('the memory bus', async () => {
  const bus = createMemoryBus();
  return { publisher: bus, listener: bus };
});

testEventBus('the Postgres bus', async (databaseUrl) => {
  const [publisher, listener] = [await openPostgresBus(databaseUrl), await openPostgresBus(databaseUrl)];
  onTestFinished(async () => void (await Promise.all([publisher.close(), listener.close()])));
  return { publisher, listener };
});

describe('the Postgres bus', () => {
  test('batches nudges published in quick succession', async ({ databaseUrl }) => {
    const bus = await openPostgresBus(databaseUrl);
    const sql = connectInTest(databaseUrl);
    onTestFinished(() => bus.close());
    const payloads: string[] = [];
    await sql.listen('patient_sync', (payload) => payloads.push(payload));
    for (let n = 1; n <= 500; n++) bus.publish(events(n));
    await vi.waitFor(() =>
      expect(payloads.flatMap((payload) => decodeNudge(payload).organizations)).toHaveLength(500),
    );

    expect(payloads.length).toBeLessThanOrEqual(3);
  });

  test('listens again after its sessions were terminated, and calls onMissed', async ({ databaseUrl }) => {
    const [publisher, listener] = [await openPostgresBus(databaseUrl), await openPostgresBus(databaseUrl)];
    const sql = connectInTest(databaseUrl);
    onTestFinished(async () => void (await Promise.all([publisher.close(), listener.close()])));
    const onMissed = vi.fn();
    listener.onMissed(onMissed);
    const { organizations } = record(listener);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await vi.waitFor(() => expect(onMissed).toHaveBeenCalled(), { timeout: 5_000 });
    await vi.waitFor(
      () => {
        publisher.publish(events(5));
        expect(organizations()).toContain(5);
      },
      { timeout: 5_000, interval: 100 },
    );
  });

  test('ignores invalid payloads on its channel', async ({ databaseUrl }) => {
    const bus = await openPostgresBus(databaseUrl);
    const sql = connectInTest(databaseUrl);
    onTestFinished(() => bus.close());
    const { organizations } = record(bus);
    for (const nonsense of ['', 'e:', 'e:x,1.5', '@@@', 'z:1', '{"a":1}'])
      await sql.notify('patient_sync', nonsense);
    await sql.notify('patient_sync', 'e:9');

    await vi.waitFor(() => expect(organizations()).toContain(9));
  });
});

describe('a NOTIFY payload', () => {
  const id = fc.integer({ min: 1, max: 2_147_483_647 });

  test('decodes to the nudge that was encoded, and stays below 8000 bytes', () => {
    fc.assert(
      fc.property(
        fc.array(id, { maxLength: 1_500 }),
        fc.boolean(),
        fc.array(id),
        (organizations, work, cancelled) => {
          const payloads = encodeNudge({ organizations, work, cancelled }, 'ab12');
          const read = payloads.map(decodeNudge);
          expect(read.flatMap((nudge) => nudge.organizations)).toEqual(organizations);
          expect(read.flatMap((nudge) => nudge.cancelled ?? [])).toEqual(cancelled);
          expect(read.some((nudge) => nudge.work)).toBe(work);
          expect(Math.max(0, ...payloads.map((payload) => payload.length))).toBeLessThan(8_000);
        },
      ),
    );
  });

  test('of any other text decodes to valid organization ids only', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((list) => `e:${list}`),
        ),
        (payload) => {
          for (const id of decodeNudge(payload).organizations) {
            expect(id).toBeGreaterThanOrEqual(1);
            expect(id).toBeLessThanOrEqual(2_147_483_647);
          }
        },
      ),
    );
  });
});
