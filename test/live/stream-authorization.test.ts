/** A right that ends while a stream is open: no frame leaves after that, replayed or live. */
import { describe, expect, test } from 'vitest';
import type { Frame } from '../../src/live/frame.ts';
import { guardSubscriber } from '../../src/live/stream-authorization.ts';
import type { Subscriber } from '../../src/live/subscriber.ts';

const FRAME: Frame = {
  seq: 8,
  terminal: false,
  committedAt: 0,
  json: Buffer.from('{}'),
  sse: Buffer.from('data: {}\n\n'),
};

const SUBSCRIBER: Subscriber = {
  organizationId: 5,
  epoch: 'e',
  head: 7,
  recovered: true,
  reason: null,
  cursor: 7,
  isCurrent: false,
  isDirty: true,
  take: () => [FRAME],
  catchUp: async () => [FRAME],
  end: () => {},
};

describe('a guarded subscriber', () => {
  test('returns frames only with a right, which it checks for every take and every replay', async () => {
    let allowed: readonly number[] = [5];
    const subscriber = guardSubscriber(SUBSCRIBER, {
      frames: undefined,
      canRead: (id) => allowed.includes(id),
      onEnd: () => () => {},
    });
    expect(subscriber.take()).toEqual([FRAME]);
    const replay = subscriber.catchUp(false);
    // The right ends during the read of the log.
    allowed = [6];
    expect(await replay).toEqual([]);
    expect(subscriber.take()).toEqual([]);
    allowed = [5];
    expect(await subscriber.catchUp(false)).toEqual([FRAME]);
  });
});
