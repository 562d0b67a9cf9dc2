/** Reads once for everyone: requests made while a read is under way are gathered into the next one. Also the backstop poll. */

export interface Reader {
  read(organizationIds: readonly number[]): void;
  /** Looks at once for what nudges may have missed. */
  poll(): void;
  startPolling(look: () => Promise<void>): void;
  stop(): void;
}

/** The poll that finds what a lost nudge left: 1 to 2 s, so that many servers do not ask in step. */
const pollDelayMs = () => 1_000 + Math.random() * 1_000;

export function createReader(
  readNews: (organizationIds: readonly number[]) => Promise<void>,
  onFailure: (error: unknown) => void,
): Reader {
  const wanted = new Set<number>();
  let reading = false;
  let look = async (): Promise<void> => {};
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const run = async (): Promise<void> => {
    reading = true;
    while (wanted.size > 0 && !stopped) {
      const ids = [...wanted];
      wanted.clear();
      await readNews(ids).catch(onFailure);
    }
    reading = false;
  };
  const poll = async (): Promise<void> => {
    clearTimeout(timer);
    await look().catch(onFailure);
    if (!stopped) timer = setTimeout(poll, pollDelayMs());
  };
  return {
    read(organizationIds) {
      for (const id of organizationIds) wanted.add(id);
      if (!reading) void run();
    },
    poll: () => void poll(),
    startPolling(lookForNews) {
      look = lookForNews;
      timer = setTimeout(poll, pollDelayMs());
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
