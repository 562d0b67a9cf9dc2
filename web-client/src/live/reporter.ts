/** What a watch shows: the newest state and the connection. Reports each change of one of them, and nothing twice. */
import {
  type Connection,
  type ConnectionDetails,
  type ConnectionKind,
  connectionChanged,
  isConnected,
} from './connection.ts';

export interface Reporter<State> {
  readonly state: State;
  readonly connection: Connection;
  /** @param kind a connected one is a sign of the server, also when nothing changes */
  report(next: State, kind: ConnectionKind, details?: ConnectionDetails): void;
}

/**
 * @param start an unchanged state has to keep its identity
 * @param signAt when the server last gave a sign, perhaps to another tab, in milliseconds of the client's clock; default: now
 */
export function createReporter<State>(
  start: State,
  onState: (state: State, connection: Connection) => void,
  signAt = Date.now(),
): Reporter<State> {
  let state = start;
  let lastSignAt = signAt;
  let connection: Connection = { kind: 'connecting', since: lastSignAt };
  return {
    get state() {
      return state;
    },
    get connection() {
      return connection;
    },
    report(next, kind, details) {
      if (isConnected({ kind })) lastSignAt = Date.now();
      const now = connectionChanged(connection, kind, lastSignAt, details);
      if (next === state && now === connection) return;
      [state, connection] = [next, now];
      onState(state, connection);
    },
  };
}
