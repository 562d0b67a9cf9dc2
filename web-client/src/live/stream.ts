/** What both transports of an organization's stream have in common. */
import type { StreamEvent } from '#contract/stream-event.ts';
import type { OpenReason } from './access.ts';
import type { TransportKind } from './connection.ts';

export type StreamEnd =
  /** It sent no `hello`, or the server refused it. */
  | { reason: 'refused' }
  /** It broke after it had been live, as when a server restarts; it may be available again soon. */
  | { reason: 'interrupted' }
  /** Nothing arrived for too long: a proxy holds the data back, or the connection died silently. */
  | { reason: 'silent' }
  /** It sent a frame that the client cannot read. */
  | { reason: 'unreadable' }
  /** A ping proved that an event was missed. */
  | { reason: 'gap' }
  | { reason: 'bye'; retryMs: number; why: OpenReason };

/** The content of a `hello`: `recovered: false` means that a snapshot follows, at any position. */
export interface StreamBeginning {
  head: string;
  recovered: boolean;
}

export interface StreamHandlers {
  onHello(beginning: StreamBeginning): void;
  onEvent(event: StreamEvent): void;
  /** The stream is alive, and nothing is new. */
  onPing(): void;
  /** Nothing follows. */
  onEnd(end: StreamEnd): void;
}

/** One way to open a stream from the current cursor. */
export interface Transport {
  kind: TransportKind;
  /** @returns closes it, without a call of `onEnd` */
  open(handlers: StreamHandlers, why: OpenReason): () => void;
}

/**
 * After this many heartbeats without a frame the stream counts as silent. With heartbeats of 15 s a frozen server is noticed within
 * 20 s; a ping that is later than that costs a poll, no event. It also reveals a proxy that passes the hello and holds back the
 * rest.
 */
export const SILENCE_FACTOR = 1.25;

export interface Watchdog {
  /** Restarts the timer. */
  expectWithin(ms: number): void;
  stop(): void;
}

export function createWatchdog(onSilence: () => void): Watchdog {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    expectWithin(ms) {
      clearTimeout(timer);
      timer = setTimeout(onSilence, ms);
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * Opens a stream after its address, token or slot has been awaited.
 *
 * @returns closes what was opened, or prevents it
 */
export function openAfter<T>(
  prepare: () => Promise<T>,
  open: (prepared: T) => () => void,
  onFailure: () => void,
): () => void {
  let close = (): void => {};
  let isClosed = false;
  prepare()
    .then((prepared) => {
      const closeOpened = open(prepared);
      if (isClosed) closeOpened();
      else close = closeOpened;
    })
    // A hook that failed and a browser that forbids the address count as a refused transport.
    .catch(() => isClosed || onFailure());
  return () => {
    isClosed = true;
    close();
  };
}
