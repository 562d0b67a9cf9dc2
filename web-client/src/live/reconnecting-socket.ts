/**
 * Keeps one socket open: after its end the next one is opened, after up to 0.5 s, later up to 15 s, until it is stopped.
 *
 * Not here: what the socket carries (watch-everything.ts).
 */
import type { OpenReason } from './access.ts';
import { backoffMs } from './connection.ts';

export interface ReconnectingSocketOptions {
  /**
   * Opens the next socket.
   *
   * @param onEnd the socket ended by itself, or could not be opened
   * @returns closes it, without a call of `onEnd`
   */
  open(why: OpenReason, onEnd: () => void): () => void;
  /** The next socket is scheduled. @param failures in a row; 0 when the socket worked */
  onLost(failures: number): void;
}

export interface ReconnectingSocket {
  /** The socket works: the next failure is the first one. */
  confirm(): void;
  /** The server ends this socket soon and said when to open the next one. */
  expectEnd(reopenInMs: number, why: OpenReason): void;
  /** Closes the socket, as if it had ended by itself. */
  restart(): void;
  /** Opens the next socket now instead of after the current delay. */
  openNow(): void;
  stop(): void;
}

const RETRY = { firstMs: 500, mostMs: 15_000 };

export function keepSocketOpen({ open, onLost }: ReconnectingSocketOptions): ReconnectingSocket {
  let close: (() => void) | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isStopped = false;
  let expected: { reopenInMs: number; why: OpenReason } | undefined;

  const connect = (): void => {
    clearTimeout(retry);
    const why = expected?.why ?? 'connect';
    expected = undefined;
    close = open(why, onEnd);
  };
  const onEnd = (): void => {
    close = undefined;
    onLost(failures);
    if (isStopped) return;
    clearTimeout(retry);
    retry = setTimeout(connect, expected?.reopenInMs ?? backoffMs(failures, RETRY, Math.random()));
    failures += 1;
  };
  connect();
  return {
    confirm: () => {
      failures = 0;
    },
    expectEnd: (reopenInMs, why) => {
      expected = { reopenInMs, why };
    },
    restart() {
      close?.();
      onEnd();
    },
    openNow() {
      if (close === undefined && !isStopped) connect();
    },
    stop() {
      isStopped = true;
      clearTimeout(retry);
      close?.();
    },
  };
}
