/** A right that ends while a stream is open: no frame leaves after that, replayed or live. */
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/events/event-queries.ts';
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

const seqsOf = (frames: readonly Frame[] | undefined) => frames?.map(({ seq }) => seq);

/** A stream that resumes at the start of the history, and the organizations that it may read now. */
function openSubscriber() {
  const entry = createChannelCache().open(STATE);
  const stream = { readable: [5] };
  const deps = {
    after: async () => [event(1)],
    state: async () => STATE,
    onFold: () => {},
    onEnded: () => {},
  };
  const options = {
    since: 'e.0',
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
