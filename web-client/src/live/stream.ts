/** What the two streams of one organization have in common, whatever carries them. */
import type { StreamEvent } from '#contract/stream-event.ts';
import type { OpenReason } from './access.ts';
import type { TransportKind } from './connection.ts';

export type StreamEnd =
  /** It never spoke, or was turned away. */
  | { reason: 'refused' }
  /** It broke after it had been live, as when a server restarts: soon it may be there again. */
  | { reason: 'interrupted' }
  /** Nothing arrived for too long: something on the way holds it back, or it died unseen. */
  | { reason: 'silent' }
  /** It spoke what we do not understand. */
  | { reason: 'unreadable' }
  /** A ping proved that something was missed. */
  | { reason: 'gap' }
  | { reason: 'bye'; retryMs: number; why: OpenReason };

/** What the beginning of a stream says: `recovered: false` means that a snapshot comes, wherever it stands. */
export interface StreamBeginning {
  head: string;
  recovered: boolean;
}

export interface StreamHandlers {
  onHello(beginning: StreamBeginning): void;
  onEvent(event: StreamEvent): void;
  /** Nothing follows. */
  onEnd(end: StreamEnd): void;
}

/** One way to open a stream from where we stand. */
export interface Transport {
  kind: TransportKind;
  /** @returns closes it, without a call of `onEnd` */
  open(handlers: StreamHandlers, why: OpenReason): () => void;
}

/** Later than this many heartbeats, nothing will come any more: pings may be late, but not by this factor. */
export const SILENCE_FACTOR = 2.5;
/** The first one is waited for less: a proxy that let the hello through and holds back the rest is found out by it. */
export const FIRST_SILENCE_FACTOR = 1.5;

export interface Watchdog {
  /** From now on. */
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
 * A stream whose address, token or seat must be awaited first.
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
    // A hook that failed, or a browser that forbids the address: to the ladder both are a rung that does not hold.
    .catch(() => isClosed || onFailure());
  return () => {
    isClosed = true;
    close();
  };
}
