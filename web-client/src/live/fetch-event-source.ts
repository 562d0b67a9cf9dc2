/**
 * An EventSource made of `fetch`: for Node, which has none, and for clients that send a token in a header instead of
 * an address. It never reconnects; its owner knows the cursor and does that.
 */
import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { type Access, authorization } from './access.ts';
import type { EventSourceLike } from './event-stream.ts';

/** In characters; real events have a few thousand. A stream with an endless line ends instead of filling the memory. */
const MAX_EVENT_LENGTH = 1024 * 1024;

export function openFetchEventSource(url: string, fetchNow: typeof fetch, access: Access): EventSourceLike {
  const target = new EventTarget();
  const stop = new AbortController();
  read(url, fetchNow, access, stop.signal, (type, data) =>
    target.dispatchEvent(new MessageEvent(type, { data })),
  ).finally(() => {
    if (!stop.signal.aborted) target.dispatchEvent(new Event('error'));
  });
  return {
    addEventListener: (type, listener) => target.addEventListener(type, listener),
    close: () => stop.abort(),
  };
}

/** Resolves when the stream is over, for any reason: an EventSource reports every end as an error. */
async function read(
  url: string,
  fetchNow: typeof fetch,
  access: Access,
  signal: AbortSignal,
  onEvent: (type: string, data: string) => void,
): Promise<void> {
  try {
    const headers = { accept: 'text/event-stream', ...(await authorization(access)) };
    const response = await fetchNow(url, { headers, signal, cache: 'no-store' });
    if (!isEventStream(response)) return;
    const parser = createEventParser(({ event = 'message', data }) => onEvent(event, data));
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (signal.aborted) return;
      parser.feed(decoder.decode(piece.value, { stream: true }));
    }
  } catch {
    // The owner gets an `error` for a cut stream and for one that never began, as from any EventSource.
  }
}

/** `feed` of the result throws once an event has become too long. */
export function createEventParser(onEvent: (event: EventSourceMessage) => void): EventSourceParser {
  return createParser({ onEvent, maxBufferSize: MAX_EVENT_LENGTH });
}

export function isEventStream(
  response: Response,
): response is Response & { body: ReadableStream<Uint8Array> } {
  const type = response.headers.get('content-type') ?? '';
  return response.ok && response.body !== null && type.startsWith('text/event-stream');
}
