/** A hub over a history in memory, for tests that move its clock. */
import { onTestFinished, vi } from 'vitest';
import type { EventLog } from '../../../src/events/event-log.ts';
import type { LoggedEvent, RunAt } from '../../../src/events/event-queries.ts';
import { createMemoryBus } from '../../../src/events/memory-bus.ts';
import { Hub } from '../../../src/live/hub.ts';
import { createLogger } from '../../../src/logging/logger.ts';

const AT = '2026-11-24T00:00:00.000Z';
export const ID = 55;

export const run = (startedAt: string): RunAt => ({ id: 7, startedAt, log: `{"started":"${startedAt}"}` });

/** A hub over a history of one organization. */
export function openHub() {
  vi.useFakeTimers();
  // Without jitter.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const history = { epoch: 'one', flushed: 100n, events: [] as LoggedEvent[], isPresent: true };
  const asked: (string | undefined)[] = [];
  const ended: string[] = [];
  const head = () => history.events.length;
  /** What an answer of the log waits for. */
  const held = { readHeads: Promise.resolve(), readAfter: Promise.resolve() };
  const log = {
    spacingMs: 0,
    readHeads: vi.fn<EventLog['readHeads']>(async (since) => {
      asked.push(since);
      const positions = history.isPresent ? [{ organizationId: ID, seq: head() }] : [];
      const { epoch, flushed } = history;
      const heads = { epoch, flushed, horizon: `horizon ${asked.length}`, positions };
      await held.readHeads;
      return heads;
    }),
    readOrganizations: async () => ({ epoch: history.epoch, ids: [ID] }),
    readStates: vi.fn<EventLog['readStates']>(async (ids) =>
      ids.map((organizationId) => ({
        organizationId,
        epoch: history.epoch,
        head: head(),
        oldest: 1,
        latest: history.events.at(-1)?.run ?? null,
        hasOlder: false,
        at: AT,
      })),
    ),
    readAfter: vi.fn<EventLog['readAfter']>(async (_epoch, positions) => {
      const events = positions.flatMap(({ seq }) => history.events.slice(seq));
      await held.readAfter;
      return events;
    }),
    endEpoch: async (epoch: string) => {
      ended.push(epoch);
      history.epoch = 'two';
      history.flushed = 50n;
    },
    readFingerprints: vi.fn<EventLog['readFingerprints']>(async () => []),
    appendSnapshot: async () => {},
    close: async () => {},
  };
  const state = { isHealthy: true };
  const following: string[] = [];
  const local = createMemoryBus();
  const bus = {
    ...local,
    get healthy() {
      return state.isHealthy;
    },
    follow: (id: number) => void following.push(`follow ${id}`),
    unfollow: (id: number) => void following.push(`unfollow ${id}`),
    followAll: () => {
      following.push('follow all');
      return () => void following.push('unfollow all');
    },
  };
  const hub = new Hub(log, bus, createLogger({ level: 'fatal', format: 'json', colour: false }));
  onTestFinished(async () => {
    await hub.close();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  return {
    hub,
    bus,
    log,
    history,
    state,
    asked,
    ended,
    following,
    append(startedAt: string) {
      const seq = head() + 1;
      history.events.push({
        organizationId: ID,
        seq,
        type: 'progress',
        at: AT,
        run: run(startedAt),
        json: '{}',
      });
    },
    async subscribe() {
      const options = { since: undefined, folded: false, authorization: { canRead: () => true } };
      const [subscriber] = await hub.subscribe(new Map([[ID, options]]));
      await poll();
      return subscriber;
    },
    /** Its answers wait until the returned function is called. */
    hold(call: keyof typeof held) {
      let release = (): void => {};
      held[call] = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    /** What the next read of the heads asks for, after an event. */
    async nextAsked(act = () => {}) {
      asked.length = 0;
      act();
      await poll();
      return asked[0];
    },
  };
}

/** From one poll to the next. */
export const poll = () => vi.advanceTimersByTimeAsync(1_000);
export const settle = () => vi.advanceTimersByTimeAsync(0);
