/**
 * Looks up API tokens, sessions, or sign-in links, for many requests in one statement.
 *
 * An unknown token costs a query like a valid one, and any client can send it. So lookups that arrive during a query share
 * the next one, queries that follow an invalid token are paced, and an invalid token is cached briefly: a flood costs
 * ten small reads a second, however large it is.
 */
const PACE_MS = 100;
const TOKENS_A_STATEMENT = 500;
const UNKNOWN_REMEMBERED_MS = 2_000;
const UNKNOWN_AT_MOST = 10_000;

export type FindTokens<T> = (hashes: readonly string[]) => Promise<ReadonlyMap<string, T>>;

/** @returns finds what belongs to a token by the token's hash; undefined when the token is unknown, revoked or expired */
export function createTokenLookup<T>(find: FindTokens<T>): (hash: string) => Promise<T | undefined> {
  const unknown = new Map<string, number>();
  let waiting = new Map<string, PromiseWithResolvers<T | undefined>>();
  let isRunning = false;

  const rememberUnknown = (hash: string): void => {
    if (unknown.size >= UNKNOWN_AT_MOST) unknown.clear();
    unknown.set(hash, Date.now() + UNKNOWN_REMEMBERED_MS);
  };
  /** @returns whether any of them was unknown */
  const lookUp = async (batch: typeof waiting): Promise<boolean> => {
    try {
      const found = await find([...batch.keys()]);
      for (const [hash, { resolve }] of batch) {
        if (!found.has(hash)) rememberUnknown(hash);
        resolve(found.get(hash));
      }
      return found.size < batch.size;
    } catch (error) {
      for (const { reject } of batch.values()) reject(error);
      return true;
    }
  };
  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      const entries = [...waiting];
      waiting = new Map(entries.slice(TOKENS_A_STATEMENT));
      if (await lookUp(new Map(entries.slice(0, TOKENS_A_STATEMENT)))) await pause(PACE_MS);
    }
    isRunning = false;
  };
  return (hash) => {
    if ((unknown.get(hash) ?? 0) > Date.now()) return Promise.resolve(undefined);
    const entry = waiting.get(hash) ?? withResolvers<T | undefined>();
    waiting.set(hash, entry);
    if (!isRunning) void run();
    return entry.promise;
  };
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
