/** The contract of the event bus. The buses between servers are tested as a pair: one publishes, the other receives. */
import { describe, expect, vi } from 'vitest';
import type { EventBus, Nudge } from '../../../src/events/event-bus.ts';
import { test } from '../../support/database.ts';

export interface BusPair {
  publisher: EventBus;
  listener: EventBus;
}

export const events = (...organizations: number[]): Nudge => ({ organizations, work: false });

export function record(bus: EventBus) {
  const received: Nudge[] = [];
  const unsubscribe = bus.subscribe((nudge) => received.push(nudge));
  return {
    received,
    unsubscribe,
    organizations: () => new Set(received.flatMap((nudge) => nudge.organizations)),
  };
}

/** Defines the tests that every adapter passes. */
export function testEventBus(name: string, open: (databaseUrl: string) => Promise<BusPair>): void {
  describe(name, () => {
    test('delivers organizations, work and cancellations to all subscribers, also those of the publisher', async ({
      databaseUrl,
    }) => {
      const { publisher, listener } = await openFollowingAll(databaseUrl, open);
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
      const { publisher, listener } = await openFollowingAll(databaseUrl, open);
      const { organizations } = record(listener);
      const many = Array.from({ length: 2_000 }, (_, n) => 2_147_000_000 + n);
      publisher.publish(events(...many));

      await vi.waitFor(() => expect(many.every((id) => organizations().has(id))).toBe(true));
    });

    test('delivers nothing after unsubscribe', async ({ databaseUrl }) => {
      const { publisher, listener } = await openFollowingAll(databaseUrl, open);
      const gone = record(listener);
      const staying = record(listener);
      gone.unsubscribe();
      publisher.publish(events(2));

      await vi.waitFor(() => expect(staying.organizations()).toContain(2));
      expect(gone.received).toEqual([]);
    });

    test('delivers an organization that is followed alone, before and after all were followed', async ({
      databaseUrl,
    }) => {
      const { publisher, listener } = await open(databaseUrl);
      const { received, organizations } = record(listener);
      listener.follow(7);
      await publishUntil(publisher, events(7), () => organizations().has(7));
      const unfollow = listener.followAll();
      await publishUntil(publisher, events(8), () => organizations().has(8));
      unfollow();
      received.length = 0;
      await publishUntil(publisher, events(7), () => organizations().has(7));
    });

    test('delivers an organization that two parts of a server follow until the second one unfollows', async ({
      databaseUrl,
    }) => {
      const { publisher, listener } = await open(databaseUrl);
      const { received } = record(listener);
      // A new subscription is confirmed by one nudge of the bus itself, so one more proves that the publisher is heard.
      const hasArrived = () => received.filter(({ organizations }) => organizations.includes(7)).length > 1;
      listener.follow(7);
      listener.follow(7);
      await publishUntil(publisher, events(7), hasArrived);
      listener.unfollow(7);
      received.length = 0;
      await publishUntil(publisher, events(7), hasArrived);
    });
  });
}

/** The listener receives everything when this returns. The nudges of the check name organization 1, and may repeat. */
async function openFollowingAll(databaseUrl: string, open: (databaseUrl: string) => Promise<BusPair>) {
  const pair = await open(databaseUrl);
  pair.listener.followAll();
  const { organizations, unsubscribe } = record(pair.listener);
  await publishUntil(pair.publisher, events(1), () => organizations().has(1));
  unsubscribe();
  return pair;
}

/** A subscription takes a moment to reach every server of a cluster, and until then a nudge may be lost. */
async function publishUntil(publisher: EventBus, nudge: Nudge, isReceived: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      publisher.publish(nudge);
      expect(isReceived()).toBe(true);
    },
    { interval: 20 },
  );
}
