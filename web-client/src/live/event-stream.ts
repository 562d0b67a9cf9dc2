/**
 * One EventSource on one organization: parses its frames, and reports its end once, with the reason.
 *
 * A browser would reconnect by itself, at the same time as a thousand others and with an expired token. So the end is
 * final here, and the caller reconnects with its cursor. This file detects what a browser does not notice: a proxy
 * that accepts the request and holds the answer back (no `hello`, or no first `ping`), a connection that died silently
 * (no further `ping`), and a gap (a `ping` with a cursor beyond the last event).
 *
 * Not here: what the events mean (organization-state.ts), what to do after the end (transport-fallback.ts).
 */
import type * as z from 'zod/mini';
import { parseJson } from '#contract/parse-json.ts';
import { Bye, ChangeType, Hello, Ping, StreamEvent } from '#contract/stream-event.ts';
import { openReason } from './access.ts';
import { isAhead } from './organization-state.ts';
import { createWatchdog, SILENCE_FACTOR, type StreamEnd, type StreamHandlers } from './stream.ts';

/**
 * The part of EventSource that is used here. Node 20 has no EventSource: fetch-event-source.ts implements one, whose last event is
 * `unreadable` instead of `error` when the same request would end in the same way.
 */
export interface EventSourceLike {
  addEventListener(type: string, listener: (event: MessageEvent | Event) => void): void;
  close(): void;
}
export type OpenEventSource = (url: string) => EventSourceLike;

export interface EventStreamOptions {
  url: string;
  /** The cursor that `url` resumes from. */
  since: string | null;
  openEventSource: OpenEventSource;
  helloTimeoutMs: number;
}

/** @returns closes it, without a call of `onEnd` */
export function openEventStream(options: EventStreamOptions, handlers: StreamHandlers): () => void {
  const source = options.openEventSource(options.url);
  let last = options.since;
  let heartbeatMs: number | undefined;
  let hasEnded = false;
  const watchdog = createWatchdog(() => end({ reason: 'silent' }));

  const close = (): void => {
    hasEnded = true;
    watchdog.stop();
    source.close();
  };
  const end = (how: StreamEnd): void => {
    close();
    handlers.onEnd(how);
  };
  const on = <Frame>(type: string, schema: z.ZodMiniType<Frame>, act: (frame: Frame) => void) =>
    source.addEventListener(type, (event) => {
      if (hasEnded) return;
      const frame = schema.safeParse('data' in event ? parseJson(event.data) : undefined);
      if (!frame.success) return end({ reason: 'unreadable' });
      act(frame.data);
    });

  on('hello', Hello, (hello) => {
    heartbeatMs = hello.heartbeat_ms;
    watchdog.expectWithin(heartbeatMs * SILENCE_FACTOR);
    if (!hello.recovered) last = null;
    handlers.onHello(hello);
  });
  for (const type of [...ChangeType.options, 'snapshot']) {
    on(type, StreamEvent, (event) => {
      last = event.cursor;
      handlers.onEvent(event);
    });
  }
  on('ping', Ping, (ping) => {
    if (heartbeatMs !== undefined) watchdog.expectWithin(heartbeatMs * SILENCE_FACTOR);
    if (isAhead(ping.cursor, last)) end({ reason: 'gap' });
    else handlers.onPing();
  });
  on('bye', Bye, (bye) => end({ reason: 'bye', retryMs: bye.retry_ms, why: openReason(bye) }));
  source.addEventListener('error', () => {
    if (!hasEnded) end({ reason: heartbeatMs === undefined ? 'refused' : 'interrupted' });
  });
  source.addEventListener('unreadable', () => {
    if (!hasEnded) end({ reason: 'unreadable' });
  });
  watchdog.expectWithin(options.helloTimeoutMs);
  return close;
}
