/** Subscribers of one socket that have fallen behind, so that the log must be read for them. */
import { describe, expect, test, vi } from 'vitest';
import { createFlushScheduler } from '../../src/live/flush-scheduler.ts';
import type { Frame } from '../../src/live/frame.ts';
import { SocketWriter } from '../../src/live/socket-writer.ts';
import type { Subscriber } from '../../src/live/subscriber.ts';

const frame = (seq: number): Frame => ({
  seq,
  terminal: false,
  sse: Buffer.from('data: {}\n\n'),
  json: Buffer.from('{}'),
});

/** A socket, and subscribers each of which has one event that only the log holds. Each read ends by `answer`. */
function openBehind(count: number) {
  const socket = { isFull: false, written: 0 };
  const writer = new SocketWriter(
    {
      write(batches) {
        socket.written += batches.flat().length;
      },
      isFull: () => socket.isFull,
      awaitDrain: () => {},
      abort: () => {},
    },
    createFlushScheduler(),
  );
  const reads: { subscriber: Subscriber; end: (frames: readonly Frame[]) => void }[] = [];
  const behind = (organizationId: number): Subscriber => {
    const subscriber = {
      organizationId,
      epoch: 'e',
      head: 1,
      reason: null,
      cursor: 0,
      isDirty: false,
      isCurrent: false,
      attach: () => {},
      take: () => (subscriber.isCurrent ? [] : undefined),
      catchUp: async () => {
        const frames = await new Promise<readonly Frame[]>((end) => reads.push({ subscriber, end }));
        subscriber.isCurrent = true;
        return frames;
      },
      end: () => {},
    };
    return subscriber;
  };
  const subscribers = Array.from({ length: count }, (_, index) => behind(index + 1));
  for (const subscriber of subscribers) writer.add(subscriber);
  const answer = () => reads.shift()?.end([frame(1)]);
  return { socket, writer, reads, subscribers, answer };
}

/** The end of the loop turn, in which the writer flushes. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a socket with many subscribers that have fallen behind', () => {
  test('reads the log for four of them at once, until all are served', async () => {
    const { socket, reads, answer } = openBehind(20);
    await turn();
    expect(reads).toHaveLength(4);
    for (let served = 1; served <= 20; served += 1) {
      answer();
      await vi.waitFor(() => expect(socket.written).toBe(served));
      await turn();
      expect(reads).toHaveLength(Math.min(4, 20 - served));
    }
  });

  test('begins no read while the socket is full', async () => {
    const { socket, writer, reads, answer } = openBehind(20);
    await turn();
    socket.isFull = true;
    for (let left = reads.length; left > 0; left -= 1) answer();
    await vi.waitFor(() => expect(socket.written).toBe(4));
    await turn();
    expect(reads).toEqual([]);

    socket.isFull = false;
    writer.onDrain();
    await turn();
    expect(reads).toHaveLength(4);
    writer.end();
  });

  test('goes on with the others when one is removed during its read', async () => {
    const { socket, writer, reads, answer } = openBehind(5);
    await turn();
    for (const { subscriber } of reads) writer.remove(subscriber);
    for (let left = reads.length; left > 0; left -= 1) answer();
    await vi.waitFor(() => expect(reads.map(({ subscriber }) => subscriber.organizationId)).toEqual([5]));
    answer();
    await vi.waitFor(() => expect(socket.written).toBe(1));
  });
});
