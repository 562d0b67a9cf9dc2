/** Reports when the connection to the server is lost and when it is back, and gives up after a limit. */
import { ConnectionLostError } from './arguments.ts';

export interface ConnectionHandlers {
  /** @param since the last sign of the server: what was shown may be out of date from then on */
  onLost(since: Date): void;
  onBack(lostForMs: number): void;
}

export interface ConnectionOptions {
  handlers: ConnectionHandlers;
  /**
   * How long the server may be away after that was noticed; Infinity: without a limit. A computer that has slept for longer finds
   * its server again.
   */
  limitMs: number;
}

export interface ConnectionMonitor {
  /** @param since the last sign of the server, in milliseconds of the clock of this machine */
  lost(since: number): void;
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
    lost(since) {
      if (lostAt !== undefined) return;
      lostAt = since;
      handlers.onLost(new Date(since));
      if (Number.isFinite(limitMs)) limit = setTimeout(expire, limitMs);
    },
    answered() {
      clearTimeout(limit);
      if (lostAt === undefined) return;
      const ms = Math.max(0, Date.now() - lostAt);
      lostAt = undefined;
      handlers.onBack(ms);
    },
    stop: () => clearTimeout(limit),
  };
}
