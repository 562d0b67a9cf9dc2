/** A limit for an answer of the database. The question itself goes on; its connection has a limit of its own (open.ts). */

/** The database did not answer in time. Read again: the next attempt has a connection of its own. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** As postgres.js names it, so that whoever sorts errors takes it for an outage. */
  readonly code = 'CONNECT_TIMEOUT';
}

/** @throws NoAnswerError */
export async function withinMs<T>(limitMs: number, work: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NoAnswerError(`No answer within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
