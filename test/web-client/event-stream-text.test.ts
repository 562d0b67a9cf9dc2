/** Parses the text of an event stream as the HTML standard requires. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventParser, type ReceivedEvent } from '#contract/event-stream-text.ts';

function parse(...pieces: string[]): ReceivedEvent[] {
  const events: ReceivedEvent[] = [];
  const take = createEventParser((event) => events.push(event));
  for (const piece of pieces) take(piece);
  return events;
}

const STREAM =
  '\uFEFFretry: 2000\n\nevent: hello\ndata: {"v":1}\n\n: a comment\nid: k7x2.1\r\nevent:progress\r\ndata: one\r\ndata:  two\rdata\n\n\ndata: last\r\r';
const EVENTS: ReceivedEvent[] = [
  { type: 'hello', data: '{"v":1}' },
  { type: 'progress', data: 'one\n two\n' },
  { type: 'message', data: 'last' },
];

test('events are read with every kind of line end, comments and fields of several lines', () => {
  // A lone carriage return at the very end may still be half of a line end.
  expect(parse(STREAM, '\n')).toEqual(EVENTS);
});

test('the result does not depend on where the network splits the text', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: STREAM.length }), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.sort((one, other) => one - other), STREAM.length];
      const pieces = places.slice(1).map((end, index) => STREAM.slice(places[index], end));
      expect(parse(...pieces, '\n')).toEqual(EVENTS);
    }),
  );
});

test('an incomplete event is ignored', () => {
  expect(parse('event: progress\ndata: {"v"')).toEqual([]);
});
