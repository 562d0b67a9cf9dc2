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
  /** Called before a wait of 1 s or more, also by somebody else's turn in the same queue. Must not throw. */
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
  const past = createWindow(requestsPerMinute, clock);
  /** Who has asked and may not send yet. Only the first of them looks at the clock, but all of them wait. */
  const queue = new Set<PaceOptions>();
  let current: WaitNotice | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const tell = ({ onWait }: PaceOptions, notice: WaitNotice): void => {
    if (notice.until.getTime() - clock.now() >= WORTH_TELLING_MS) onWait?.(notice);
  };
  const takeNow = async (asking: PaceOptions): Promise<void> => {
    asking.signal.throwIfAborted();
    // A pause may come while we wait: look again each time.
    for (let notice = past.notice(); notice !== undefined; notice = past.notice()) {
      current = notice;
      for (const waiting of queue) tell(waiting, notice);
      const ms = notice.until.getTime() - clock.now();
      await clock.wait(ms, asking.signal).finally(() => {
        current = undefined;
      });
    }
    queue.delete(asking);
    past.add();
  };
  return {
    async take(options) {
      options.signal.throwIfAborted();
      const asking = { ...options };
      queue.add(asking);
      if (current !== undefined) tell(asking, current);
      const mine = turn.then(() => takeNow(asking));
      // Who was aborted takes nothing; the next in line goes on.
      turn = mine.catch(() => {});
      return Promise.race([mine, aborted(asking.signal, mine)]).finally(() => queue.delete(asking));
    },
    pauseUntil: past.pauseUntil,
  };
}

/** The requests of the last minute, and the pause that Cliniko asked for. */
function createWindow(requestsPerMinute: number, clock: Clock) {
  /** When they left, oldest first. */
  let sent: number[] = [];
  let pausedUntil = 0;
  let looked = 0;

  /** A clock that is set back takes these times along, or everybody would wait for the difference too. */
  const look = (): number => {
    const now = clock.now();
    const setBackMs = looked - now;
    looked = now;
    if (setBackMs > 0) {
      sent = sent.map((time) => time - setBackMs);
      pausedUntil -= setBackMs;
    }
    return now;
  };
  return {
    /** What the next request has to wait for, if anything. */
    notice(): WaitNotice | undefined {
      const now = look();
      while (sent[0] !== undefined && sent[0] <= now - WINDOW_MS) sent.shift();
      if (pausedUntil > now) return { until: new Date(pausedUntil), reason: 'rate-limited' };
      const oldest = sent[0];
      if (oldest === undefined || sent.length < requestsPerMinute) return undefined;
      return { until: new Date(oldest + WINDOW_MS), reason: 'pacing' };
    },
    add(): void {
      sent.push(look());
    },
    pauseUntil(time: Date): void {
      look();
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
