/**
 * An EventSource made of `fetch`: for Node, which has none, and for clients that send a token in a header instead of
 * an address. It never reconnects; its owner knows the cursor and does that.
 */
import {
  createParser,
  type EventSourceMessage,
  type EventSourceParser,
  ParseError,
} from 'eventsource-parser';
import { type Access, authorization } from './access.ts';
import type { EventSourceLike } from './event-stream.ts';

/**
 * In characters; events of our runs have a few thousand. A stream with an endless line ends instead of filling the memory. Another
 * program can write a run that is longer: the other transports have it.
 */
const MAX_EVENT_LENGTH = 1024 * 1024;

export function openFetchEventSource(url: string, fetchNow: typeof fetch, access: Access): EventSourceLike {
  const target = new EventTarget();
  const stop = new AbortController();
  read(url, fetchNow, access, stop.signal, (type, data) =>
    target.dispatchEvent(new MessageEvent(type, { data })),
  ).then((end) => {
    if (!stop.signal.aborted) target.dispatchEvent(new Event(end));
  });
  return {
    addEventListener: (type, listener) => target.addEventListener(type, listener),
    close: () => stop.abort(),
  };
}

/** Resolves when the stream is over: an EventSource reports every end as an error. `unreadable`: an event is too long, now and next time. */
async function read(
  url: string,
  fetchNow: typeof fetch,
  access: Access,
  signal: AbortSignal,
  onEvent: (type: string, data: string) => void,
): Promise<'error' | 'unreadable'> {
  try {
    const headers = { accept: 'text/event-stream', ...(await authorization(access)) };
    const response = await fetchNow(url, { headers, signal, cache: 'no-store' });
    if (!isEventStream(response)) return 'error';
    const parser = createEventParser(({ event = 'message', data }) => onEvent(event, data));
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (signal.aborted) return 'error';
      parser.feed(decoder.decode(piece.value, { stream: true }));
    }
    return 'error';
  } catch (error) {
    // The owner gets an `error` for a cut stream and for one that never began, as from any EventSource.
    return error instanceof ParseError ? 'unreadable' : 'error';
  }
}

/** `feed` of the result throws a ParseError once an event has become too long. */
export function createEventParser(onEvent: (event: EventSourceMessage) => void): EventSourceParser {
  return createParser({
    onEvent,
    maxBufferSize: MAX_EVENT_LENGTH,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
}

export function isEventStream(
  response: Response,
): response is Response & { body: ReadableStream<Uint8Array> } {
  const type = response.headers.get('content-type') ?? '';
  return response.ok && response.body !== null && type.startsWith('text/event-stream');
}
