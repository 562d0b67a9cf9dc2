/**
 * Keeps one stream open, by the best of several ways: the first rung is the best, each further one is for where those
 * before it are blocked.
 *
 * A rung that is refused, held back or falls silent hands over to the next; from a lower rung, and from the ground, the
 * best one is tried again every now and then, and the lower one is closed only once the better one has spoken. A
 * connection that merely broke is opened again where it was.
 *
 * Not here: what a stream says (stream.ts), polling on the ground (direct-watch.ts).
 */
import type { StreamEvent } from '#contract/stream-event.ts';
import type { OpenReason } from './access.ts';
import { backoffMs, type TransportKind } from './connection.ts';
import type { StreamBeginning, StreamEnd, Transport } from './stream.ts';

export interface TransportHandlers {
  onLive(way: TransportKind, beginning: StreamBeginning): void;
  onEvent(event: StreamEvent): void;
  /** For a moment: it is being opened again. */
  onInterrupted(): void;
  /** There is no stream now, and there may be none for long. */
  onDowngraded(): void;
}

export interface TransportFallback {
  /** Tries now what would be tried later. */
  upgrade(): void;
  stop(): void;
}

interface OpenTransport {
  index: number;
  close(): void;
}

/** Between two attempts to leave the ground, or a lower rung, for the best one. */
const UPGRADE_DELAYS = { firstMs: 15_000, mostMs: 60_000 };
/** After a connection that broke: a server that restarts is back in a moment. One that breaks again and again is spared. */
const RETRY_DELAYS = { firstMs: 500, mostMs: 15_000 };
const STABLE_AFTER_MS = 10_000;

export function startTransportFallback(
  transports: readonly Transport[],
  handlers: TransportHandlers,
): TransportFallback {
  let live: OpenTransport | undefined;
  let trying: OpenTransport | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let misses = 0;
  let breaks = 0;
  let liveSince = 0;

  const attempt = (index: number, why: OpenReason): void => {
    clearTimeout(timer);
    const transport = transports[index];
    if (transport === undefined) {
      climbLater();
      return;
    }
    const held: OpenTransport = { index, close: () => {} };
    trying?.close();
    trying = held;
    held.close = transport.open(
      {
        onHello: (beginning) => hold(held, transport.kind, beginning),
        onEvent: handlers.onEvent,
        onEnd: (end) => (held === live ? leave(held, end) : miss(held, end)),
      },
      why,
    );
  };
  const attemptIn = (ms: number, index: number, why: OpenReason): void => {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(index, why), ms);
  };
  const climbLater = (): void => {
    attemptIn(backoffMs(misses, UPGRADE_DELAYS, Math.random()), 0, 'connect');
    misses += 1;
  };
  const hold = (held: OpenTransport, way: TransportKind, beginning: StreamBeginning): void => {
    live?.close();
    [live, trying] = [held, undefined];
    liveSince = Date.now();
    handlers.onLive(way, beginning);
    if (held.index === 0) misses = 0;
    else climbLater();
  };
  const leave = (held: OpenTransport, end: StreamEnd): void => {
    live = undefined;
    // A better one is being tried already; what becomes of it decides.
    if (trying !== undefined) {
      handlers.onInterrupted();
    } else if (end.reason === 'bye') {
      handlers.onInterrupted();
      attemptIn(end.retryMs, held.index, end.why);
    } else if (end.reason === 'gap') {
      attemptIn(0, held.index, 'connect');
    } else if (end.reason === 'interrupted') {
      handlers.onInterrupted();
      if (Date.now() - liveSince >= STABLE_AFTER_MS) breaks = 0;
      attemptIn(backoffMs(breaks, RETRY_DELAYS, Math.random()), held.index, 'connect');
      breaks += 1;
    } else {
      fall(held);
    }
  };
  const miss = (held: OpenTransport, end: StreamEnd): void => {
    if (held !== trying) return;
    trying = undefined;
    if (live !== undefined) climbLater();
    else if (end.reason === 'bye') attemptIn(end.retryMs, held.index, end.why);
    else fall(held);
  };
  const fall = (held: OpenTransport): void => {
    handlers.onDowngraded();
    attempt(held.index + 1, 'connect');
  };

  attempt(0, 'connect');
  return {
    upgrade() {
      if (live?.index !== 0 && trying === undefined) attempt(0, 'connect');
    },
    stop() {
      clearTimeout(timer);
      trying?.close();
      live?.close();
    },
  };
}
