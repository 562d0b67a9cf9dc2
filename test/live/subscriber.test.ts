/** A right that ends while a stream is open: no frame leaves after that, replayed or live. */
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/events/event-queries.ts';
import { ChangeSubscriber } from '../../src/live/change-subscriber.ts';
import { createChannelCache } from '../../src/live/channel-cache.ts';
import type { Frame } from '../../src/live/frame.ts';
import { OrganizationSubscriber } from '../../src/live/subscriber.ts';

const AT = '2026-11-24T00:00:00.000Z';
const STATE = { organizationId: 5, epoch: 'e', head: 0, oldest: 1, latest: null, at: AT };

const event = (seq: number): LoggedEvent => ({
  organizationId: 5,
  seq,
  type: 'progress',
  at: AT,
  run: null,
  json: '{}',
});

const endAt = (seq: number): LoggedEvent => ({ ...event(seq), type: 'completed' });

const seqsOf = (frames: readonly Frame[] | undefined) => frames?.map(({ seq }) => seq);

/** A stream that resumes at the start of the history or is fresh, and the organizations that it may read now. */
function openSubscriber({ isFresh } = { isFresh: false }) {
  const entry = createChannelCache().open(STATE);
  const stream = { readable: [5] };
  const deps = {
    after: async () => ({ events: [event(1)], hasMore: false }),
    state: async () => STATE,
    onFold: () => {},
    onEnded: () => {},
  };
  const options = {
    since: isFresh ? undefined : 'e.0',
    folded: false,
    authorization: { canRead: (id: number) => stream.readable.includes(id) },
  };
  return { entry, stream, subscriber: new OrganizationSubscriber(entry, STATE, options, deps) };
}

describe('a subscriber whose right to read ends', () => {
  test('takes no frame after that, until the right is back', () => {
    const { entry, stream, subscriber } = openSubscriber();
    entry.channel.append([event(1)]);
    expect(seqsOf(subscriber.take())).toEqual([1]);

    entry.channel.append([event(2)]);
    stream.readable = [6];
    expect(subscriber.take()).toEqual([]);
    stream.readable = [5];
    expect(seqsOf(subscriber.take())).toEqual([2]);
  });

  test('gets no frame of a replay that was being read', async () => {
    const { stream, subscriber } = openSubscriber();
    const replay = subscriber.catchUp(false);
    stream.readable = [6];
    expect(await replay).toEqual([]);
  });

  test('gets a replay while it has the right', async () => {
    const { subscriber } = openSubscriber();
    expect(seqsOf(await subscriber.catchUp(false))).toEqual([1]);
  });
});

test('a fresh subscriber begins with the state at its start, and no event after it comes twice', () => {
  const { entry, subscriber } = openSubscriber({ isFresh: true });
  entry.channel.append([event(1)]);
  expect(seqsOf(subscriber.take())).toEqual([0]);
  expect(seqsOf(subscriber.take())).toEqual([1]);
});

test('a folded subscriber gets the ends of runs before its snapshot, and those after it as events', async () => {
  const state = { ...STATE, head: 5 };
  const entry = createChannelCache().open(state);
  const deps = {
    after: async () => ({ events: [3, 6].map(endAt), hasMore: false }),
    state: async () => state,
    onFold: () => {},
    onEnded: () => {},
  };
  const options = { since: 'e.0', folded: true, authorization: { canRead: () => true } };
  const subscriber = new OrganizationSubscriber(entry, state, options, deps);
  expect(seqsOf(await subscriber.catchUp(false))).toEqual([3, 5]);
  entry.channel.append([{ ...event(6), type: 'completed' }]);
  expect(seqsOf(subscriber.take())).toEqual([6]);
});

test.for([
  ['every event that it was promised, however slow it is', false, 5, [1, 2, 3, 4, 5]],
  ['all ends of runs before its snapshot, however few one read has', true, 200, [1, 2, 3]],
] as const)('a subscriber that has fallen behind gets %s', async ([, folded, head, expected]) => {
  const state = { ...STATE, head };
  const deps = {
    after: async () => ({ events: expected.map(endAt), hasMore: true }),
    state: async () => state,
    onFold: () => {},
    onEnded: () => {},
  };
  const options = { since: 'e.0', folded, authorization: { canRead: () => true } };
  const entry = createChannelCache().open(state);
  expect(seqsOf(await new OrganizationSubscriber(entry, state, options, deps).catchUp(true))).toEqual(
    expected,
  );
});

/** A stream of patient changes that begins at a position, and its pages in order. */
function openChanges(next: string, pages: { ids: string[]; next: string }[]) {
  const stream = { readable: [5], onRead: () => {} };
  const follow = async () => {
    const page = pages.shift() ?? { ids: [], next };
    stream.onRead();
    const changes = page.ids.map((id) => ({
      seq: null,
      cursor: null,
      at: AT,
      kind: 'created' as const,
      cliniko_patient_id: id,
      sync_log_id: null,
    }));
    return { changes, next: page.next, recovered: true, reason: null };
  };
  const subscriber = new ChangeSubscriber(
    { organizationId: 5, epoch: 'e', head: 3, next, reason: null },
    {
      log: { follow },
      authorization: { canRead: (id) => stream.readable.includes(id) },
      onEnded: () => {},
    },
  );
  return { stream, subscriber };
}

describe('a stream of patient changes', () => {
  test('gets no change of a read during which its right ends', async () => {
    const { stream, subscriber } = openChanges('e.3', [{ ids: ['1'], next: 'e.4' }]);
    stream.onRead = () => {
      stream.readable = [];
    };
    expect(await subscriber.catchUp()).toEqual([]);
    expect(subscriber.cursor).toBe(3);
  });

  test('reads on after news that came during a read, and after the stored patients', async () => {
    const { stream, subscriber } = openChanges('e.3', []);
    stream.onRead = () => subscriber.wake();
    await subscriber.catchUp();
    expect(subscriber.take()).toBeUndefined();
    stream.onRead = () => {};
    await subscriber.catchUp();
    expect(subscriber.take()).toEqual([]);

    const all = openChanges('all', [{ ids: ['1', '2'], next: 'e.3' }]).subscriber;
    expect(await all.catchUp()).toHaveLength(2);
    expect(all.take()).toBeUndefined();
  });
});
