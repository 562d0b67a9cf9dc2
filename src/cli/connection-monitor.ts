/** Reports when the connection to the server is lost and when it is back, and gives up after a limit. */
import { ConnectionLostError } from './arguments.ts';

export interface ConnectionHandlers {
  onLost(since: Date): void;
  onBack(lostForMs: number): void;
}

export interface ConnectionOptions {
  handlers: ConnectionHandlers;
  /** How long the connection may be lost; Infinity: without a limit. */
  limitMs: number;
}

export interface ConnectionMonitor {
  lost(): void;
  answered(): void;
  stop(): void;
}

export function createConnectionMonitor(
  { handlers, limitMs }: ConnectionOptions,
  giveUp: (error: ConnectionLostError) => void,
): ConnectionMonitor {
  let lostAt: number | undefined;
  let limit: NodeJS.Timeout | undefined;
  const expire = () =>
    giveUp(
      new ConnectionLostError(
        `The connection has been lost for ${Math.round(limitMs / 1_000)} s (--timeout). Syncs on the server continue.`,
      ),
    );
  return {
    lost() {
      if (lostAt !== undefined) return;
      lostAt = performance.now();
      handlers.onLost(new Date());
      if (Number.isFinite(limitMs)) limit = setTimeout(expire, limitMs);
    },
    answered() {
      clearTimeout(limit);
      if (lostAt === undefined) return;
      const ms = performance.now() - lostAt;
      lostAt = undefined;
      handlers.onBack(ms);
    },
    stop: () => clearTimeout(limit),
  };
}
