/** Reads once for everyone: requests made while a read is under way are gathered into the next one. Also the backstop poll. */

export interface LogPoller {
  read(organizationIds: readonly number[]): void;
  /** Whether news of this organization may be on its way. */
  isBehind(organizationId: number): boolean;
  /** Nudges may have been lost: looks at once, and trusts nothing that was seen before. */
  poll(): void;
  /** Milliseconds since the last look that succeeded and of which everything has been asked for; Infinity when there is none. */
  readonly polledMsAgo: number;
  stop(): void;
}

export interface LogPollerOptions {
  /** @returns the organizations of which there is more */
  readNewEvents(organizationIds: readonly number[]): Promise<readonly number[]>;
  /** Finds what a lost nudge left, and asks for it. */
  findMissed(): Promise<void>;
  /** How long to wait before the next look. */
  pollDelayMs(): number;
  onFailure(error: unknown): void;
}

export function createLogPoller({
  readNewEvents,
  findMissed,
  pollDelayMs,
  onFailure,
}: LogPollerOptions): LogPoller {
  const wanted = new Set<number>();
  let reading: ReadonlySet<number> | undefined;
  let polling = false;
  let pollAgain = false;
  let polledAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const run = async (): Promise<void> => {
    while (wanted.size > 0 && !stopped) {
      reading = new Set(wanted);
      wanted.clear();
      const unread = await readNewEvents([...reading]).catch(failed);
      for (const id of unread) wanted.add(id);
    }
    reading = undefined;
  };
  const failed = (error: unknown): readonly number[] => {
    // What was not read is not known to be wanted any more: only a look that begins after this finds it.
    failedAt = performance.now();
    if (!stopped) onFailure(error);
    return [];
  };
  const poll = async (): Promise<void> => {
    pollAgain = polling;
    if (polling) return;
    polling = true;
    clearTimeout(timer);
    const began = performance.now();
    await findMissed().then(() => {
      polledAt = began;
    }, failed);
    polling = false;
    if (stopped) return;
    if (pollAgain) void poll();
    else timer = setTimeout(poll, pollDelayMs());
  };
  timer = setTimeout(poll);
  return {
    read(organizationIds) {
      for (const id of organizationIds) wanted.add(id);
      if (reading === undefined && wanted.size > 0) void run();
    },
    isBehind: (id) => wanted.has(id) || reading?.has(id) === true,
    poll() {
      failedAt = performance.now();
      void poll();
    },
    get polledMsAgo() {
      return polledAt >= failedAt ? performance.now() - polledAt : Number.POSITIVE_INFINITY;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
