/** The EventSource made of `fetch` reads the text of an event stream as the HTML standard requires. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openFetchEventSource } from '../../web-client/src/live/fetch-event-source.ts';

interface ReceivedEvent {
  type: string;
  data: string;
}

/** A response whose body arrives in these pieces. */
function respond(pieces: Iterable<Uint8Array>): typeof fetch {
  const arriving = pieces[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = arriving.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
  return async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** All events, until the stream ends as expected. */
async function read(
  pieces: Iterable<Uint8Array>,
  end: 'error' | 'unreadable' = 'error',
): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    const source = openFetchEventSource('http://localhost/events', respond(pieces), {});
    for (const type of ['hello', 'progress', 'message']) {
      source.addEventListener(type, (event) => {
        if ('data' in event) events.push({ type, data: String(event.data) });
      });
    }
    for (const type of ['error', 'unreadable'])
      source.addEventListener(type, () => (type === end ? resolve() : reject(new Error(`Ended by ${type}`))));
  });
  return events;
}

const STREAM = Buffer.from(
  '\uFEFFretry: 2000\n\nevent: hello\ndata: {"v":1}\n\n: ä comment\nid: k7x2.1\r\nevent:progress\r\ndata: öne\r\ndata:  two\rdata\n\n\nid\ndata: last\r\r\n',
);
const EVENTS: ReceivedEvent[] = [
  { type: 'hello', data: '{"v":1}' },
  { type: 'progress', data: 'öne\n two\n' },
  { type: 'message', data: 'last' },
];

test('events are read with every kind of line end, comments and fields of several lines', async () => {
  expect(await read([STREAM])).toEqual(EVENTS);
});

test('the result does not depend on where the network splits the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: STREAM.length }), { maxLength: 20 }), async (cuts) => {
      const places = [0, ...cuts.sort((one, other) => one - other), STREAM.length];
      const pieces = places.slice(1).map((end, index) => STREAM.subarray(places[index], end));
      expect(await read(pieces)).toEqual(EVENTS);
    }),
  );
});

test('an incomplete event is ignored', async () => {
  expect(await read([Buffer.from('event: progress\ndata: {"v"')])).toEqual([]);
});

test('a line without an end ends the stream as unreadable, and is not kept', async () => {
  let sent = 0;
  const endless = (function* () {
    yield Buffer.from('event: progress\ndata: ');
    for (; sent < 64 * 1024 * 1024; sent += 64 * 1024) yield Buffer.alloc(64 * 1024, 'x');
  })();
  expect(await read(endless, 'unreadable')).toEqual([]);
  expect(sent).toBeLessThan(2 * 1024 * 1024);
});

test('an event that is too long ends the stream as unreadable, not as one to be opened again', async () => {
  const start = Buffer.from('event: hello\ndata: {}\n\nevent: progress\ndata: ');
  const long = [Buffer.alloc(600_000, 'x'), Buffer.alloc(600_000, 'x'), Buffer.from('\n\n')];
  expect(await read([start, ...long], 'unreadable')).toEqual([{ type: 'hello', data: '{}' }]);
});
