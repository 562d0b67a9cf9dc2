/** A timeline whose events cannot be read to the end. */
import { expect, test, vi } from 'vitest';
import type { TimelineEvent } from '../../src/events/event-queries.ts';
import { streamTimeline } from '../../src/events/timeline-stream.ts';

const part = Array.from(
  { length: 200 },
  (_, n): TimelineEvent => ({ seq: `${n + 1}`, json: '{}', created: n === 0 }),
);
const failure = new Error('The database is away.');

test('is refused before the response when the first part cannot be read', async () => {
  const onFailure = vi.fn();
  await expect(streamTimeline(() => Promise.reject(failure), onFailure)).rejects.toBe(failure);
  expect(onFailure).not.toHaveBeenCalled();
});

test('reports a later failure, and ends without the end of the text', async () => {
  const onFailure = vi.fn();
  const stream = await streamTimeline(async (after) => {
    if (after !== '0') throw failure;
    return part;
  }, onFailure);
  const text = await new Response(stream).text();
  expect(onFailure.mock.calls).toEqual([[failure]]);
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test('of a run whose events are all gone is trimmed, and one of whole parts ends', async () => {
  const read = async (...parts: TimelineEvent[][]) => {
    const stream = await streamTimeline(async () => parts.shift() ?? [], vi.fn());
    const { events, trimmed } = JSON.parse(await new Response(stream).text());
    return { events: events.length, trimmed };
  };
  expect(await read()).toEqual({ events: 0, trimmed: true });
  expect(await read(part, part)).toEqual({ events: 400, trimmed: false });
  expect(await read(part.slice(1))).toEqual({ events: 199, trimmed: true });
});
