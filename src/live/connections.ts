/** The open streams of this process, so that they can be told before it closes. */
import type { ByeReason } from '../contract/stream-event.ts';

export interface Connection {
  /** Says goodbye and closes. `retryMs`: when the client should come back. */
  bye(reason: ByeReason, retryMs: number): void;
}

export interface Connections {
  /** @returns takes it off again */
  add(connection: Connection): () => void;
  readonly size: number;
  byeToAll(reason: ByeReason): void;
}

/** Clients come back spread over this time, not all in one moment. */
const RETRY_SPREAD_MS = 3_000;

export function createConnections(): Connections {
  const open = new Set<Connection>();
  return {
    add(connection) {
      open.add(connection);
      return () => open.delete(connection);
    },
    get size() {
      return open.size;
    },
    byeToAll(reason) {
      for (const connection of [...open]) {
        connection.bye(reason, Math.round(500 + Math.random() * RETRY_SPREAD_MS));
      }
    },
  };
}
