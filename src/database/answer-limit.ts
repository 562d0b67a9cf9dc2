/**
 * A time limit for an answer of the database. The statement itself continues; its connection has its own limit (open.ts).
 */
import { withTimeout } from '../timing/with-timeout.ts';

/** The database did not answer in time. Try again: the next attempt uses another connection. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** The code that postgres.js uses, so that transient-errors.ts classifies it as an outage. */
  readonly code = 'CONNECT_TIMEOUT';
}

/** @throws NoAnswerError */
export async function withinMs<T>(limitMs: number, work: PromiseLike<T>): Promise<T> {
  return await withTimeout(limitMs, work, () => {
    throw new NoAnswerError(`No answer within ${limitMs} ms`);
  });
}
