/**
 * Reads of the log for all subscribers, one at a time and at a distance, and the backstop poll that finds what no nudge has
 * announced.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { repeat } from '../timing/every.ts';

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
  /** Whether nudges arrive. */
  isHealthy(): boolean;
  onFailure(error: unknown): void;
  /** At least so long from the start of a read to the start of the next one. */
  spacingMs: number;
}

/** Polls more often while nudges do not arrive. Jitter keeps servers from polling at the same time. */
const pollDelayMs = (isHealthy: boolean) => (isHealthy ? 1_000 : 400) * (1 + Math.random() * 0.7);

export function createLogPoller(options: LogPollerOptions): LogPoller {
  const { findMissed, isHealthy } = options;
  let polledAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  // The failed requests are dropped, so only a poll that starts after the failure finds their events.
  const onFailure = (error: unknown): void => {
    failedAt = performance.now();
    if (!stopped) options.onFailure(error);
  };
  const reader = createReader(options, onFailure);
  const poll = async (): Promise<void> => {
    const began = performance.now();
    await findMissed().then(() => {
      polledAt = began;
    }, onFailure);
  };
  const backstop = repeat(() => pollDelayMs(isHealthy()), poll, 0);
  return {
    read: reader.read,
    isBehind: reader.isBehind,
    poll() {
      failedAt = performance.now();
      backstop.soon(0);
    },
    get polledMsAgo() {
      return polledAt >= failedAt ? performance.now() - polledAt : Number.POSITIVE_INFINITY;
    },
    stop() {
      stopped = true;
      reader.stop();
      void backstop.stop();
    },
  };
}

/** One read at a time: requests that arrive during a read, or too soon after its start, become the next one. */
function createReader(
  { readNewEvents, spacingMs }: LogPollerOptions,
  onFailure: LogPollerOptions['onFailure'],
): Pick<LogPoller, 'read' | 'isBehind' | 'stop'> {
  const wanted = new Set<number>();
  let reading: ReadonlySet<number> = new Set();
  let beganAt = Number.NEGATIVE_INFINITY;
  let [isRunning, isStopped] = [false, false];
  const readOnce = async (): Promise<void> => {
    beganAt = performance.now();
    reading = new Set(wanted);
    wanted.clear();
    try {
      for (const id of await readNewEvents([...reading])) wanted.add(id);
    } catch (error) {
      onFailure(error);
    }
    reading = new Set();
  };
  const run = async (): Promise<void> => {
    isRunning = true;
    while (wanted.size > 0 && !isStopped) {
      const earlyMs = beganAt + spacingMs - performance.now();
      if (earlyMs > 0) await delay(earlyMs);
      else await readOnce();
    }
    isRunning = false;
  };
  return {
    read(organizationIds) {
      for (const id of organizationIds) wanted.add(id);
      if (!isRunning) void run();
    },
    isBehind: (id) => wanted.has(id) || reading.has(id),
    stop() {
      isStopped = true;
    },
  };
}
