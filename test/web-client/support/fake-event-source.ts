/** EventSources whose events a test sends, and a poll that it answers. */
import type { EventSourceLike } from '../../../web-client/src/live/event-stream.ts';

export interface FakeEventSource extends EventSourceLike {
  readonly url: string;
  readonly isClosed: boolean;
  say(type: string, data: unknown): void;
  hello(hello?: { recovered?: boolean; head?: string }): void;
  fail(): void;
}

export function createFakeEventSources() {
  const opened: FakeEventSource[] = [];
  const open = (url: string): FakeEventSource => {
    const source = createFake(url);
    opened.push(source);
    return source;
  };
  /** The EventSource that was opened last. */
  const newest = (): FakeEventSource => {
    const source = opened.at(-1);
    if (source === undefined) throw new Error('No EventSource was opened.');
    return source;
  };
  return { open, opened, newest };
}

function createFake(url: string): FakeEventSource {
  const listeners = new Map<string, ((event: MessageEvent | Event) => void)[]>();
  let isClosed = false;
  const dispatch = (event: Event): void => {
    if (!isClosed) for (const listener of listeners.get(event.type) ?? []) listener(event);
  };
  const say = (type: string, data: unknown): void =>
    dispatch(new MessageEvent(type, { data: JSON.stringify(data) }));
  return {
    url,
    get isClosed() {
      return isClosed;
    },
    addEventListener(type, listener) {
      listeners.set(type, [...(listeners.get(type) ?? []), listener]);
    },
    close() {
      isClosed = true;
    },
    say,
    hello: ({ recovered = true, head = 'k7x2.0' } = {}) =>
      say('hello', {
        v: 1,
        type: 'hello',
        organization_id: 123,
        head,
        recovered,
        reason: recovered ? null : 'epoch',
        heartbeat_ms: 15_000,
      }),
    fail: () => dispatch(new Event('error')),
  };
}
