/**
 * The pace of one API key: Cliniko allows a number of requests in a minute, whoever of us sends them.
 *
 * Here is the queue: who asked first leaves first, and everybody is told what he waits for. How many may leave is the
 * budget's to say: in this process alone (memory-request-budget.ts), or shared by all servers (postgres-request-budget.ts).
 */
import type { Clock } from '../timing/clock.ts';
import type { Budget } from './request-budget.ts';
import { MIN_REPORTED_WAIT_MS, type WaitNotice } from './source.ts';

export interface PaceOptions {
  signal: AbortSignal;
  /** Called before a wait of `WORTH_TELLING_MS` or more, also by somebody else's turn in the same queue. Must not throw. */
  onWait?: ((notice: WaitNotice) => void) | undefined;
}

export interface Pacer {
  /** Resolves when a request may leave, in the order of asking. Rejects with the signal's reason when aborted. */
  take(options: PaceOptions): Promise<void>;
  /** Nobody may send before that, on any server. */
  pauseUntil(time: Date): void;
  /** About how long it takes until so many more requests may have left; 0 when all of them could leave now. */
  estimateMs(requests: number): number;
}

export function createPacer(budget: Budget, clock: Clock): Pacer {
  /** Who has asked and may not send yet. Only the first of them asks the budget, but all of them wait. */
  const queue = new Set<PaceOptions>();
  let current: WaitNotice | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const tell = ({ onWait }: PaceOptions, notice: WaitNotice): void => {
    if (notice.until.getTime() - clock.now() >= MIN_REPORTED_WAIT_MS) onWait?.(notice);
  };
  const takeNow = async (asking: PaceOptions): Promise<void> => {
    asking.signal.throwIfAborted();
    // A pause may come while we wait: ask again each time.
    for (;;) {
      const notice = await budget.take(queue.size);
      if (notice === undefined) break;
      current = notice;
      for (const waiting of queue) tell(waiting, notice);
      const ms = notice.until.getTime() - clock.now();
      await clock.wait(ms, asking.signal).finally(() => {
        current = undefined;
      });
    }
    queue.delete(asking);
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
    pauseUntil: (time) => budget.pauseUntil(time),
    estimateMs: (requests) => budget.estimateMs(requests),
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

export function createPacers(budgetFor: (apiKey: string) => Budget, clock: Clock): Pacers {
  const pacers = new Map<string, Pacer>();
  return {
    forKey(apiKey) {
      const pacer = pacers.get(apiKey) ?? createPacer(budgetFor(apiKey), clock);
      pacers.set(apiKey, pacer);
      return pacer;
    },
  };
}
