/** What a bus promises, asked of both. Of the Postgres bus two processes are asked: what one says, the other hears. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { EventBus, Nudge } from '../../src/events/event-bus.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { decodeNudge, encodeNudge } from '../../src/events/notify-payload.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { connectInTest, test } from '../support/database.ts';

interface Pair {
  speaker: EventBus;
  listener: EventBus;
}

const ADAPTERS: [name: string, open: (databaseUrl: string) => Promise<Pair>][] = [
  [
    'the memory bus',
    async () => {
      const bus = createMemoryBus();
      return { speaker: bus, listener: bus };
    },
  ],
  [
    'the Postgres bus',
    async (databaseUrl) => {
      const [speaker, listener] = [await openPostgresBus(databaseUrl), await openPostgresBus(databaseUrl)];
      onTestFinished(async () => void (await Promise.all([speaker.close(), listener.close()])));
      return { speaker, listener };
    },
  ],
];

const events = (...organizations: number[]): Nudge => ({ organizations, work: false });

function record(bus: EventBus) {
  const heard: Nudge[] = [];
  const unsubscribe = bus.subscribe((nudge) => heard.push(nudge));
  return { heard, unsubscribe, organizations: () => new Set(heard.flatMap((nudge) => nudge.organizations)) };
}

describe.for(ADAPTERS)('%s', ([, open]) => {
  test('brings organizations, work and cancellations to everyone, the speaker included', async ({
    databaseUrl,
  }) => {
    const { speaker, listener } = await open(databaseUrl);
    const all = [record(listener), record(listener), record(speaker)];
    speaker.publish(events(1, 2));
    speaker.publish({ organizations: [3], work: true, cancelled: [17] });

    for (const { heard, organizations } of all) {
      await vi.waitFor(() => {
        expect([...organizations()].sort()).toEqual([1, 2, 3]);
        expect(heard.some((nudge) => nudge.work)).toBe(true);
        expect(heard.flatMap((nudge) => nudge.cancelled ?? [])).toContain(17);
      });
    }
  });

  test('brings thousands of organizations at once', async ({ databaseUrl }) => {
    const { speaker, listener } = await open(databaseUrl);
    const { organizations } = record(listener);
    const many = Array.from({ length: 2_000 }, (_, n) => 2_147_000_000 + n);
    speaker.publish(events(...many));

    await vi.waitFor(() => expect(organizations().size).toBe(2_000));
  });

  test('brings nothing to who has left', async ({ databaseUrl }) => {
    const { speaker, listener } = await open(databaseUrl);
    const gone = record(listener);
    const staying = record(listener);
    gone.unsubscribe();
    speaker.publish(events(1));

    await vi.waitFor(() => expect(staying.heard.length).toBeGreaterThan(0));
    expect(gone.heard).toEqual([]);
  });
});

describe('the Postgres bus', () => {
  test('gathers what is said in quick succession', async ({ databaseUrl }) => {
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

  test('listens again when its sessions were ended, and has everyone read what was missed', async ({
    databaseUrl,
  }) => {
    const [speaker, listener] = [await openPostgresBus(databaseUrl), await openPostgresBus(databaseUrl)];
    const sql = connectInTest(databaseUrl);
    onTestFinished(async () => void (await Promise.all([speaker.close(), listener.close()])));
    const onGap = vi.fn();
    listener.onMissed(onGap);
    const { organizations } = record(listener);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await vi.waitFor(() => expect(onGap).toHaveBeenCalled(), { timeout: 5_000 });
    await vi.waitFor(
      () => {
        speaker.publish(events(5));
        expect(organizations()).toContain(5);
      },
      { timeout: 5_000, interval: 100 },
    );
  });

  test('shrugs at what others say on its channel', async ({ databaseUrl }) => {
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

describe('the text of a nudge', () => {
  const id = fc.integer({ min: 1, max: 2_147_483_647 });

  test('says what was meant, and fits into a notification', () => {
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

  test('of another kind names nothing that could not be an organization', () => {
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
