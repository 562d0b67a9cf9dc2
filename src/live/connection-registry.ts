/**
 * The open connections of this process: it rotates them, and sends `bye` to them before the process stops.
 *
 * A connection ends after 8 to 12 minutes with `bye`. So clients reconnect all the time, not only during a deploy, and a
 * new server gets its share of the connections.
 */
import type { ByeReason } from '#contract/stream-event.ts';

export interface Connection {
  /** Sends `bye` and closes. `retryMs`: the delay before the client reconnects. */
  bye(reason: ByeReason, retryMs: number): void;
}

export interface ConnectionRegistry {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  /** Ends the connection if its lifetime is over. Called at each heartbeat of the connection. */
  rotate(connection: Connection): void;
  byeToAll(reason: ByeReason): void;
  /** The same, spread over this time. New connections are accepted during it, and end with the last ones. */
  byeGradually(reason: ByeReason, withinMs: number): Promise<void>;
}

/** The reconnections of clients are spread over this time. */
const RETRY_SPREAD_MS = 3_000;
const TICK_MS = 20;

const retryMs = () => Math.round(500 + Math.random() * RETRY_SPREAD_MS);
const eightToTwelveMinutes = () => (8 + Math.random() * 4) * 60_000;

/** @param lifetimeMs of the next connection */
export function createConnectionRegistry(lifetimeMs = eightToTwelveMinutes): ConnectionRegistry {
  /** Each connection with the end of its lifetime. */
  const open = new Map<Connection, number>();

  const end = (connection: Connection, reason: ByeReason): void => {
    open.delete(connection);
    connection.bye(reason, retryMs());
  };
  return {
    add(connection) {
      // Whole milliseconds: V8 stores small integers without a heap object.
      open.set(connection, Math.floor(performance.now() + lifetimeMs()));
    },
    remove(connection) {
      open.delete(connection);
    },
    rotate(connection) {
      if (performance.now() < (open.get(connection) ?? Number.POSITIVE_INFINITY)) return;
      end(connection, 'rotate');
    },
    byeToAll(reason) {
      for (const connection of [...open.keys()]) end(connection, reason);
    },
    async byeGradually(reason, withinMs) {
      const endsAt = performance.now() + withinMs;
      while (open.size > 0) {
        const leftMs = Math.max(TICK_MS, endsAt - performance.now());
        const pauseMs = Math.max(TICK_MS, leftMs / open.size);
        const share = Math.ceil((open.size * pauseMs) / leftMs);
        for (const connection of [...open.keys()].slice(0, share)) end(connection, reason);
        if (open.size > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
  };
}
