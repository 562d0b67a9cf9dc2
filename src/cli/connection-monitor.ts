/** Whether the server is reachable, and how long it has been unreachable. */
import { ConnectionLostError } from './arguments.ts';

export interface ConnectionHandlers {
  onLost(since: Date): void;
  onBack(lostForMs: number): void;
}

export interface ConnectionMonitor {
  /** An attempt failed. @throws ConnectionLostError when it has been lost for too long */
  failed(): void;
  /** The server answered. */
  answered(): void;
  /** @returns a delay before the next attempt that does not exceed the limit */
  waitMs(wanted: number): number;
}

/** @param limitMs how long a connection may be lost; Infinity: without a limit */
export function createConnectionMonitor(handlers: ConnectionHandlers, limitMs: number): ConnectionMonitor {
  let lostAt: number | undefined;
  const lostForMs = (): number => (lostAt === undefined ? 0 : performance.now() - lostAt);
  return {
    failed() {
      if (lostAt === undefined) {
        lostAt = performance.now();
        handlers.onLost(new Date());
      }
      if (lostForMs() < limitMs) return;
      throw new ConnectionLostError(
        `The connection has been lost for ${Math.round(limitMs / 1_000)} s (--timeout). Syncs on the server continue.`,
      );
    },
    answered() {
      if (lostAt === undefined) return;
      const ms = lostForMs();
      lostAt = undefined;
      handlers.onBack(ms);
    },
    waitMs: (wanted) =>
      lostAt === undefined ? wanted : Math.max(0, Math.min(wanted, limitMs - lostForMs())),
  };
}
