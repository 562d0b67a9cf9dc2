/**
 * The open streams of this process: told before it closes, and rotated while it does not.
 *
 * A stream ends after 8 to 12 minutes, with a goodbye, so that clients come back every day as they do on the day of a
 * deploy, and a new server gets its share of them.
 */
import type { ByeReason } from '#contract/stream-event.ts';

export interface Connection {
  /** Says goodbye and closes. `retryMs`: when the client should come back. */
  bye(reason: ByeReason, retryMs: number): void;
}

export interface ConnectionRegistry {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  readonly size: number;
  /** Ends those that have lived long enough. Called by the connection's own heartbeat. */
  rotate(connection: Connection): void;
  byeToAll(reason: ByeReason): void;
  /** The same, spread over this time; who comes meanwhile is served, and told at the end. */
  byeGradually(reason: ByeReason, withinMs: number): Promise<void>;
}

/** Clients come back spread over this time, not all in one moment. */
const RETRY_SPREAD_MS = 3_000;
const TICK_MS = 20;

const retryMs = () => Math.round(500 + Math.random() * RETRY_SPREAD_MS);
const eightToTwelveMinutes = () => (8 + Math.random() * 4) * 60_000;

export interface ConnectionRegistryOptions {
  /** How long the next connection lives. */
  lifetimeMs?: () => number;
  onRotate?: () => void;
}

export function createConnectionRegistry(options: ConnectionRegistryOptions = {}): ConnectionRegistry {
  const { lifetimeMs = eightToTwelveMinutes, onRotate } = options;
  /** With the moment at which each has lived long enough. */
  const open = new Map<Connection, number>();

  const end = (connection: Connection, reason: ByeReason): void => {
    open.delete(connection);
    connection.bye(reason, retryMs());
  };
  return {
    add(connection) {
      // Whole milliseconds: they are kept without a box of their own.
      open.set(connection, Math.floor(performance.now() + lifetimeMs()));
    },
    remove(connection) {
      open.delete(connection);
    },
    get size() {
      return open.size;
    },
    rotate(connection) {
      if (performance.now() < (open.get(connection) ?? Number.POSITIVE_INFINITY)) return;
      onRotate?.();
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
