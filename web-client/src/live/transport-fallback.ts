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
  let live: OpenTransport | undefined;
  let opening: OpenTransport | undefined;
  let liveSince = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const delays = createDelays();

  const attempt = (index: number, why: OpenReason): void => {
    clearTimeout(timer);
    const transport = transports[index];
    if (transport === undefined) {
      scheduleUpgrade();
      return;
    }
    const opened: OpenTransport = { index, close: () => {} };
    opening?.close();
    opening = opened;
    opened.close = transport.open(
      {
        onHello: (beginning) => onOpened(opened, transport.kind, beginning),
        onEvent: handlers.onEvent,
        onEnd: (end) => (opened === live ? onLiveEnd(opened, end) : onOpeningEnd(opened, end)),
      },
      why,
    );
  };
  const attemptIn = (ms: number, index: number, why: OpenReason): void => {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(index, why), ms);
  };
  const scheduleUpgrade = (): void => attemptIn(delays.beforeUpgrade(), 0, 'connect');
  const onOpened = (opened: OpenTransport, kind: TransportKind, beginning: StreamBeginning): void => {
    live?.close();
    [live, opening] = [opened, undefined];
    liveSince = Date.now();
    handlers.onLive(kind, beginning);
    if (opened.index === 0) delays.hasUpgraded();
    else scheduleUpgrade();
  };
  const onLiveEnd = (opened: OpenTransport, end: StreamEnd): void => {
    live = undefined;
    // A better transport is being opened already; its result decides.
    if (opening !== undefined) {
      handlers.onInterrupted();
      return;
    }
    const retry = delays.beforeRetry(end, Date.now() - liveSince);
    if (retry === undefined) {
      downgrade(opened);
      return;
    }
    if (end.reason !== 'gap') handlers.onInterrupted();
    attemptIn(retry.ms, opened.index, retry.why);
  };
  const onOpeningEnd = (opened: OpenTransport, end: StreamEnd): void => {
    if (opened !== opening) return;
    opening = undefined;
    if (live !== undefined) scheduleUpgrade();
    else if (end.reason === 'bye') attemptIn(end.retryMs, opened.index, end.why);
    else downgrade(opened);
  };
  const downgrade = (opened: OpenTransport): void => {
    handlers.onDowngraded();
    attempt(opened.index + 1, 'connect');
  };

  attempt(0, 'connect');
  return {
    upgrade() {
      if (live?.index !== 0 && opening === undefined) attempt(0, 'connect');
    },
    stop() {
      clearTimeout(timer);
      opening?.close();
      live?.close();
    },
  };
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
