/** What a watch shows: the newest state and the connection. Reports each change of one of them, and nothing twice. */
import {
  type Connection,
  type ConnectionDetails,
  type ConnectionKind,
  connectionChanged,
} from './connection.ts';

export interface Reporter<State> {
  readonly state: State;
  readonly connection: Connection;
  report(next: State, kind: ConnectionKind, details?: ConnectionDetails): void;
}

/** @param start an unchanged state has to keep its identity */
export function createReporter<State>(
  start: State,
  onState: (state: State, connection: Connection) => void,
): Reporter<State> {
  let state = start;
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  return {
    get state() {
      return state;
    },
    get connection() {
      return connection;
    },
    report(next, kind, details) {
      const now = connectionChanged(connection, kind, Date.now(), details);
      if (next === state && now === connection) return;
      [state, connection] = [next, now];
      onState(state, connection);
    },
  };
}
