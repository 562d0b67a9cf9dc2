/** The contract of the event bus, for both adapters. The Postgres bus is tested as a pair: one publishes, the other receives. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { EventBus, Nudge } from '../../src/events/event-bus.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { decodeNudge, encodeNudge } from '../../src/events/notify-payload.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { connectInTest, test } from '../support/database.ts';

interface Pair {
  publisher: EventBus;
  listener: EventBus;
}

const ADAPTERS: [name: string, open: (databaseUrl: string) => Promise<Pair>][] = [
  [
    'the memory bus',
    async () => {
      const bus = createMemoryBus();
      return { publisher: bus, listener: bus };
    },
  ],
  [
    'the Postgres bus',
    async (databaseUrl) => {
      const [publisher, listener] = [await openPostgresBus(databaseUrl), await openPostgresBus(databaseUrl)];
      onTestFinished(async () => void (await Promise.all([publisher.close(), listener.close()])));
      return { publisher, listener };
    },
  ],
];

const events = (...organizations: number[]): Nudge => ({ organizations, work: false });

function record(bus: EventBus) {
  const received: Nudge[] = [];
  const unsubscribe = bus.subscribe((nudge) => received.push(nudge));
  return {
    received,
    unsubscribe,
    organizations: () => new Set(received.flatMap((nudge) => nudge.organizations)),
  };
}

describe.for(ADAPTERS)('%s', ([, open]) => {
  test('delivers organizations, work and cancellations to all subscribers, also those of the publisher', async ({
    databaseUrl,
  }) => {
    const { publisher, listener } = await open(databaseUrl);
    const all = [record(listener), record(listener), record(publisher)];
    publisher.publish(events(1, 2));
    publisher.publish({ organizations: [3], work: true, cancelled: [17] });

    for (const { received, organizations } of all) {
      await vi.waitFor(() => {
        expect([...organizations()].sort()).toEqual([1, 2, 3]);
        expect(received.some((nudge) => nudge.work)).toBe(true);
        expect(received.flatMap((nudge) => nudge.cancelled ?? [])).toContain(17);
      });
    }
  });

  test('delivers thousands of organizations at once', async ({ databaseUrl }) => {
    const { publisher, listener } = await open(databaseUrl);
    const { organizations } = record(listener);
    const many = Array.from({ length: 2_000 }, (_, n) => 2_147_000_000 + n);
    publisher.publish(events(...many));

    await vi.waitFor(() => expect(organizations().size).toBe(2_000));
  });

  test('delivers nothing after unsubscribe', async ({ databaseUrl }) => {
    const { publisher, listener } = await open(databaseUrl);
    const gone = record(listener);
    const staying = record(listener);
    gone.unsubscribe();
    publisher.publish(events(1));

    await vi.waitFor(() => expect(staying.received.length).toBeGreaterThan(0));
    expect(gone.received).toEqual([]);
  });
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
