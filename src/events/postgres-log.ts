/**
 * The event log in PostgreSQL, read over connections of its own: a stream never waits behind the batches of a sync, and
 * a connection that stays silent is given up after some seconds.
 */
import type { EventLog } from './event-log.ts';
import { endEpoch, readEventsAfter, readHeads, readStreamStates } from './log.ts';
import { openRenewingConnection } from './renewing-connection.ts';
import { appendSnapshot, readTraces } from './unlogged-changes.ts';

const LIMIT_MS = 4_000;
export interface PostgresLogOptions {
  throughPooler: boolean;
  /** Connections at most. */
  max: number;
}

export function openPostgresLog(url: string, { throughPooler, max }: PostgresLogOptions): EventLog {
  const connection = openRenewingConnection({
    url,
    applicationName: 'patient-sync live',
    limitMs: LIMIT_MS,
    max,
    prepare: !throughPooler,
    throughPooler,
  });
  return {
    readHeads: () => connection.ask(readHeads),
    readStates: (ids) => connection.ask((sql) => readStreamStates(sql, ids)),
    readAfter: (epoch, positions, options) =>
      connection.ask((sql) => readEventsAfter(sql, epoch, positions, options)),
    endEpoch: (epoch) => connection.ask((sql) => endEpoch(sql, epoch)),
    readTraces: (before) => connection.ask((sql) => readTraces(sql, before)),
    appendSnapshot: (trace) => connection.ask((sql) => appendSnapshot(sql, trace)),
    close: connection.close,
  };
}
