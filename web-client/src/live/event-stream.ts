/**
 * One EventSource on one organization: frames parsed, and its end told once, with the reason.
 *
 * The browser reconnects by itself and sends Last-Event-ID; that goes on here unseen until it fails too often. What a
 * browser does not notice is watched for: a proxy that accepts the request and holds its answer back (no `hello`), a
 * connection that died silently (no `ping`), and a gap (a `ping` with a cursor beyond what arrived).
 *
 * Not here: what the events mean (organization-state.ts), what to do after the end (watch-organization.ts).
 */
import type { z } from 'zod';
import {
  Bye,
  ChangeEvent,
  type ChangeType,
  Hello,
  Ping,
  SnapshotEvent,
  type StreamEvent,
} from '../../../src/contract/stream-event.ts';
import { isAhead } from './organization-state.ts';

/** What we need of an EventSource; Node 20 has none of its own. */
export interface EventSourceLike {
  addEventListener(type: string, listener: (event: MessageEvent | Event) => void): void;
  close(): void;
}
export type OpenEventSource = (url: string) => EventSourceLike;

export type StreamEnd =
  | { reason: 'refused' | 'silent' | 'gap' | 'unreadable' }
  | { reason: 'bye'; retryMs: number };

export interface EventStreamHandlers {
  onHello(hello: Hello): void;
  onEvent(event: StreamEvent): void;
  /** The connection broke after it had been live; the browser is reconnecting. */
  onInterrupted(): void;
  /** Nothing follows. */
  onEnd(end: StreamEnd): void;
}

export interface EventStreamOptions {
  url: string;
  /** The cursor that `url` resumes from. */
  since: string | null;
  openEventSource: OpenEventSource;
  helloTimeoutMs: number;
}

/** Failures in a row, once it has been live: the first may be a server that restarts. */
const FAILURES_TO_GIVE_UP = 2;
/** Pings may be late by a busy server or a sleeping tab, but not by this factor. */
const SILENCE_FACTOR = 2.5;
const CHANGES: readonly ChangeType[] = ['started', 'progress', 'completed', 'failed'];

/** @returns closes it, without a call of `onEnd` */
export function openEventStream(options: EventStreamOptions, handlers: EventStreamHandlers): () => void {
  const source = options.openEventSource(options.url);
  let last = options.since;
  let failures = 0;
  let hasBeenLive = false;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let heartbeatMs = 0;

  const close = (): void => {
    clearTimeout(watchdog);
    source.close();
  };
  const end = (how: StreamEnd): void => {
    close();
    handlers.onEnd(how);
  };
  const expectSomethingWithin = (ms: number): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => end({ reason: 'silent' }), ms);
  };
  const on = <T extends z.ZodType>(type: string, schema: T, act: (frame: z.infer<T>) => void): void => {
    source.addEventListener(type, (event) => {
      const frame = schema.safeParse(parseJson(event));
      if (!frame.success) return end({ reason: 'unreadable' });
      if (heartbeatMs > 0) expectSomethingWithin(heartbeatMs * SILENCE_FACTOR);
      act(frame.data);
    });
  };
  const pass = (event: StreamEvent): void => {
    last = event.cursor;
    handlers.onEvent(event);
  };

  on('hello', Hello, (hello) => {
    failures = 0;
    hasBeenLive = true;
    heartbeatMs = hello.heartbeat_ms;
    if (!hello.recovered) last = null;
    expectSomethingWithin(heartbeatMs * SILENCE_FACTOR);
    handlers.onHello(hello);
  });
  for (const type of CHANGES) on(type, ChangeEvent, pass);
  on('snapshot', SnapshotEvent, pass);
  on('ping', Ping, (ping) => {
    if (isAhead(ping.cursor, last)) end({ reason: 'gap' });
  });
  on('bye', Bye, (bye) => end({ reason: 'bye', retryMs: bye.retry_ms }));
  source.addEventListener('error', () => {
    failures += 1;
    // Refused before it ever spoke: the browser may go on trying, we know a better way.
    if (!hasBeenLive || failures >= FAILURES_TO_GIVE_UP) return end({ reason: 'refused' });
    heartbeatMs = 0;
    expectSomethingWithin(options.helloTimeoutMs);
    handlers.onInterrupted();
  });
  expectSomethingWithin(options.helloTimeoutMs);
  return close;
}

function parseJson(event: MessageEvent | Event): unknown {
  try {
    return 'data' in event ? JSON.parse(String(event.data)) : undefined;
  } catch {
    return undefined;
  }
}
