/** One event stream: what counts after its end. */
import { expect, test } from 'vitest';
import { openEventStream } from '../../web-client/src/live/event-stream.ts';
import { aChange, aLog } from './support/logs.ts';

test('an event behind the end of a stream does not count: it may follow one that was missed', () => {
  // One piece of a response may hold several events, so some are dispatched after the stream was closed.
  const source = new EventTarget();
  const said: unknown[] = [];
  openEventStream(
    {
      url: '',
      since: 'k7x2.4',
      helloTimeoutMs: 60_000,
      openEventSource: () => ({
        addEventListener: (type, listener) => source.addEventListener(type, listener),
        close: () => said.push('closed'),
      }),
    },
    {
      onHello: ({ head }) => said.push(`hello at ${head}`),
      onEvent: ({ cursor }) => said.push(cursor),
      onPing: () => said.push('ping'),
      onEnd: ({ reason }) => said.push(reason),
    },
  );
  const say = (type: string, data: object) =>
    source.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  const of = { v: 1, organization_id: 123 };
  const more = { head: 'k7x2.4', recovered: true, reason: null, heartbeat_ms: 15_000 };
  say('hello', { ...of, type: 'hello', ...more });
  say('ping', { ...of, type: 'ping', cursor: 'k7x2.6' });
  say('progress', aChange('k7x2.7', aLog()));
  say('ping', { ...of, type: 'ping', cursor: 'k7x2.9' });
  source.dispatchEvent(new Event('error'));
  expect(said).toEqual(['hello at k7x2.4', 'closed', 'gap']);
});
