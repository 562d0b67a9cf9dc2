/**
 * The pacer of one API key: Cliniko limits the requests per minute of a key, over all servers.
 *
 * The pacer is a first-in, first-out queue that reports to each request what it waits for. The budget, which all
 * servers share (postgres-request-budget.ts), decides how many requests may be sent.
 */
import type { Clock } from '../timing/clock.ts';
import { keepForKeys } from './keep-for-keys.ts';
import type { Budget } from './request-budget.ts';
import { MIN_REPORTED_WAIT_MS, type WaitNotice } from './source.ts';

interface PaceOptions {
  signal: AbortSignal;
  /** Called before a wait of `MIN_REPORTED_WAIT_MS` or more, also when another request in the queue waits. Must not throw. */
  onWait?: ((notice: WaitNotice) => void) | undefined;
}

export interface Pacer {
  /** Resolves when a request may be sent, in the order of the calls. Rejects with the signal's reason when aborted. */
  take(options: PaceOptions): Promise<void>;
  /** No server may send a request before this time. */
  pauseUntil(time: Date): void;
  /** Estimated time until this many more requests can be sent; 0 when all can be sent now. */
  estimateMs(requests: number): number;
}

export function createPacer(budget: Budget, clock: Clock): Pacer {
  /** Requests that wait. Only the first one asks the budget. */
  const queue = new Set<PaceOptions>();
  let current: WaitNotice | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const report = ({ onWait }: PaceOptions, notice: WaitNotice): void => {
    if (notice.until.getTime() - clock.now() >= MIN_REPORTED_WAIT_MS) onWait?.(notice);
  };
  const takeNow = async (asking: PaceOptions): Promise<void> => {
    asking.signal.throwIfAborted();
    // A pause may start during the wait, so the budget is asked again each time.
    for (;;) {
      const notice = await budget.take(queue.size);
      if (notice === undefined) break;
      current = notice;
      for (const waiting of queue) report(waiting, notice);
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
      if (current !== undefined) report(asking, current);
      const mine = turn.then(() => takeNow(asking));
      // An aborted request takes nothing, and the next one in the queue continues.
      turn = mine.catch(() => {});
      return Promise.race([mine, aborted(asking.signal, mine)]).finally(() => queue.delete(asking));
    },
    pauseUntil: (time) => budget.pauseUntil(time),
    estimateMs: (requests) => budget.estimateMs(requests),
  };
}

/** Rejects when the signal is aborted, so that an aborted request does not wait for the requests before it. */
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
  /** Returns the same pacer for the same key. */
  forKey(apiKey: string): Pacer;
}

export function createPacers(budgetFor: (apiKey: string) => Budget, clock: Clock): Pacers {
  const keep = keepForKeys<Pacer>();
  return { forKey: (apiKey) => keep(apiKey, () => createPacer(budgetFor(apiKey), clock)) };
}
