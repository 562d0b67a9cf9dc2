/**
 * The pace of one API key: Cliniko allows a number of requests in a minute, whoever of us sends them.
 *
 * A sliding window, so it holds whether Cliniko's own window slides or is fixed. Short syncs run in one burst; a long
 * one spends a minute's requests and waits for the oldest to leave the window.
 */
import type { WaitNotice } from './source.ts';

/** A little over a minute: requests arrive later than they leave, some more than others. Costs 0.8 % of the ceiling. */
const WINDOW_MS = 60_500;

/** Waits shorter than this are not worth telling anybody. */
const WORTH_TELLING_MS = 1_000;

export interface PaceOptions {
  signal: AbortSignal;
  onWait?: ((notice: WaitNotice) => void) | undefined;
}

export interface Pacer {
  /** Resolves when a request may leave, in the order of asking. Rejects with the signal's reason when aborted. */
  take(options: PaceOptions): Promise<void>;
  /** Nobody may send before that. */
  pauseUntil(time: Date): void;
}

export interface Clock {
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createPacer(requestsPerMinute: number, clock: Clock): Pacer {
  /** When the requests of the last window left, oldest first. */
  const sent: number[] = [];
  let pausedUntil = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const nextNotice = (): WaitNotice | undefined => {
    const now = clock.now();
    while (sent[0] !== undefined && sent[0] <= now - WINDOW_MS) sent.shift();
    if (pausedUntil > now) return { until: new Date(pausedUntil), reason: 'rate-limited' };
    const oldest = sent[0];
    if (oldest === undefined || sent.length < requestsPerMinute) return undefined;
    return { until: new Date(oldest + WINDOW_MS), reason: 'pacing' };
  };
  const takeNow = async ({ signal, onWait }: PaceOptions): Promise<void> => {
    signal.throwIfAborted();
    // A pause may come while we wait: look again each time.
    for (let notice = nextNotice(); notice !== undefined; notice = nextNotice()) {
      const ms = notice.until.getTime() - clock.now();
      if (ms >= WORTH_TELLING_MS) onWait?.(notice);
      await clock.wait(ms, signal);
    }
    sent.push(clock.now());
  };
  return {
    async take(options) {
      const mine = turn.then(() => takeNow(options));
      // Who was aborted takes nothing; the next in line goes on.
      turn = mine.catch(() => {});
      return Promise.race([mine, aborted(options.signal, mine)]);
    },
    pauseUntil(time) {
      pausedUntil = Math.max(pausedUntil, time.getTime());
    },
  };
}

/** Rejects when the signal is aborted, so that nobody who was told to stop waits for those before him. */
function aborted(signal: AbortSignal, mine: Promise<void>): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const done = () => signal.removeEventListener('abort', abort);
    mine.then(done, done);
  });
}

export interface Pacers {
  /** The same pacer for the same key. */
  forKey(apiKey: string): Pacer;
}

export function createPacers(requestsPerMinute: number, clock: Clock): Pacers {
  const pacers = new Map<string, Pacer>();
  return {
    forKey(apiKey) {
      const pacer = pacers.get(apiKey) ?? createPacer(requestsPerMinute, clock);
      pacers.set(apiKey, pacer);
      return pacer;
    },
  };
}
