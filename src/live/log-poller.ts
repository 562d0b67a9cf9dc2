/** Single-flight reads of the log for all subscribers: requests during a read are batched into the next. Also the backstop poll. */

export interface LogPoller {
  read(organizationIds: readonly number[]): void;
  /** Whether a read of this organization is queued or in flight. */
  isBehind(organizationId: number): boolean;
  /** Call it when nudges may have been lost: it polls immediately, and resets `polledMsAgo` to Infinity until then. */
  poll(): void;
  /** Milliseconds since the start of the last successful poll; Infinity when there is none or a read failed after it. */
  readonly polledMsAgo: number;
  stop(): void;
}

export interface LogPollerOptions {
  /** @returns the organizations with more to read */
  readNewEvents(organizationIds: readonly number[]): Promise<readonly number[]>;
  /** Finds events whose nudge was lost, and requests a read of them. */
  findMissed(): Promise<void>;
  /** The delay before the next poll. */
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
    // The failed requests are dropped, so only a poll that starts after this failure finds their events.
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
