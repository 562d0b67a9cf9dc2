/**
 * Keeps one stream of an organization open, on the best transport that works. Server-Sent Events come first; WebSocket
 * and polling are for networks that block the ones before.
 *
 *         start
 *           |
 *           v          downgrade                        downgrade
 *      +-------------+ --------> +-------------------+ --------> +---------+
 *  +-> | opening SSE |           | opening WebSocket |           | polling |
 *  |   +-------------+      +--> +-------------------+      +--> +---------+
 *  |   hello |  ^ retry     |       hello |  ^ retry        |         |
 *  |         v  |           |             v  |              |         |
 *  |   +-------------+      |    +-------------------+      |         |
 *  |   |  live SSE   | -----+    |  live WebSocket   | -----+         |
 *  |   +-------------+ downgrade +-------------------+ downgrade      |
 *  |                                       |                          |
 *  +--------------- upgrade ---------------+--------------------------+
 *
 * Retry, same transport: a live stream ended with `bye` (after its `retryMs`), with a gap (at once) or with an
 * interruption (after up to 0.5 s, later up to 15 s); an opening stream ended with `bye`.
 * Downgrade, next transport: the stream ended for any other reason (refused, silent, unreadable). The caller polls from
 * then until the next `hello`.
 * Upgrade, best transport: after up to 15 s, later up to 60 s, or when the caller asks. A live WebSocket is closed only
 * after the `hello` of the better stream; if that one fails, the next upgrade is scheduled.
 *
 * Not here: the frames of a stream (stream.ts), polling itself (direct-watch.ts).
 */
import type { StreamEvent } from '#contract/stream-event.ts';
import type { OpenReason } from './access.ts';
import { backoffMs, type TransportKind } from './connection.ts';
import type { StreamBeginning, StreamEnd, Transport } from './stream.ts';

export interface TransportHandlers {
  onLive(kind: TransportKind, beginning: StreamBeginning): void;
  onEvent(event: StreamEvent): void;
  onPing(): void;
  /** The stream is being opened again; this is short. */
  onInterrupted(): void;
  /** There is no stream now, perhaps for long: the caller polls. */
  onDowngraded(): void;
}

export interface TransportFallback {
  /** Opens the best transport now, unless it is live or a stream is being opened. */
  upgrade(): void;
  stop(): void;
}

interface OpenTransport {
  index: number;
  close(): void;
}

/** Between two attempts to upgrade from polling or a lesser transport. */
const UPGRADE_DELAYS = { firstMs: 15_000, mostMs: 60_000 };
/** After an interruption: a restarting server is back soon; repeated interruptions back off. */
const RETRY_DELAYS = { firstMs: 500, mostMs: 15_000 };
const STABLE_AFTER_MS = 10_000;

export function startTransportFallback(
  transports: readonly Transport[],
  handlers: TransportHandlers,
): TransportFallback {
  const fallback = new Fallback(transports, handlers);
  fallback.upgrade();
  return fallback;
}

class Fallback implements TransportFallback {
  readonly #transports: readonly Transport[];
  readonly #handlers: TransportHandlers;
  readonly #delays = createDelays();
  #live: OpenTransport | undefined;
  #opening: OpenTransport | undefined;
  #liveSince = 0;
  /** Perhaps by a handler, in the middle of what follows its call. */
  #isStopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(transports: readonly Transport[], handlers: TransportHandlers) {
    this.#transports = transports;
    this.#handlers = handlers;
  }

  upgrade(): void {
    if (this.#live?.index !== 0 && this.#opening === undefined) this.#attempt(0, 'connect');
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#opening?.close();
    this.#live?.close();
  }

  #attempt(index: number, why: OpenReason): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const transport = this.#transports[index];
    if (transport === undefined) {
      this.#scheduleUpgrade();
      return;
    }
    const opened: OpenTransport = { index, close: () => {} };
    this.#opening?.close();
    this.#opening = opened;
    opened.close = transport.open(
      {
        onHello: (beginning) => this.#onHello(opened, transport.kind, beginning),
        onEvent: this.#handlers.onEvent,
        onPing: this.#handlers.onPing,
        onEnd: (end) =>
          opened === this.#live ? this.#onLiveEnd(opened, end) : this.#onOpeningEnd(opened, end),
      },
      why,
    );
  }

  #attemptIn(ms: number, index: number, why: OpenReason): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#attempt(index, why), ms);
  }

  #scheduleUpgrade(): void {
    this.#attemptIn(this.#delays.beforeUpgrade(), 0, 'connect');
  }

  #onHello(opened: OpenTransport, kind: TransportKind, beginning: StreamBeginning): void {
    this.#live?.close();
    this.#live = opened;
    this.#opening = undefined;
    this.#liveSince = Date.now();
    this.#handlers.onLive(kind, beginning);
    if (opened.index === 0) this.#delays.hasUpgraded();
    else this.#scheduleUpgrade();
  }

  #onLiveEnd(opened: OpenTransport, end: StreamEnd): void {
    this.#live = undefined;
    // A better transport is being opened already; its result decides.
    if (this.#opening !== undefined) {
      this.#handlers.onInterrupted();
      return;
    }
    const retry = this.#delays.beforeRetry(end, Date.now() - this.#liveSince);
    if (retry === undefined) {
      this.#downgrade(opened);
      return;
    }
    if (end.reason !== 'gap') this.#handlers.onInterrupted();
    this.#attemptIn(retry.ms, opened.index, retry.why);
  }

  #onOpeningEnd(opened: OpenTransport, end: StreamEnd): void {
    if (opened !== this.#opening) return;
    this.#opening = undefined;
    if (this.#live !== undefined) this.#scheduleUpgrade();
    else if (end.reason === 'bye') this.#attemptIn(end.retryMs, opened.index, end.why);
    else this.#downgrade(opened);
  }

  #downgrade(opened: OpenTransport): void {
    this.#handlers.onDowngraded();
    this.#attempt(opened.index + 1, 'connect');
  }
}

/** Growing delays: upgrades grow until the best transport is live, retries until a stream was live for a while. */
function createDelays() {
  let failedUpgrades = 0;
  let interruptions = 0;
  return {
    beforeUpgrade: (): number => backoffMs(failedUpgrades++, UPGRADE_DELAYS, Math.random()),
    hasUpgraded(): void {
      failedUpgrades = 0;
    },
    /** @returns undefined when the same transport would fail again */
    beforeRetry(end: StreamEnd, liveMs: number): { ms: number; why: OpenReason } | undefined {
      if (end.reason === 'bye') return { ms: end.retryMs, why: end.why };
      if (end.reason === 'gap') return { ms: 0, why: 'connect' };
      if (end.reason !== 'interrupted') return undefined;
      if (liveMs >= STABLE_AFTER_MS) interruptions = 0;
      return { ms: backoffMs(interruptions++, RETRY_DELAYS, Math.random()), why: 'connect' };
    },
  };
}
