/**
 * The event log in PostgreSQL. It has its own connections, so a stream never waits behind the batches of a sync. A query
 * without a response within 4 s is abandoned, with its connection.
 */

import { openTimeoutClient } from '../database/timeout-client.ts';
import type { EventLog } from './event-log.ts';
import { endEpoch, readEventsAfter, readHeads, readStreamStates } from './event-queries.ts';
import { appendSnapshot, readTraces } from './unlogged-changes.ts';

const LIMIT_MS = 4_000;
export interface PostgresLogOptions {
  throughPooler: boolean;
  /** Maximum number of connections. */
  max: number;
}

export function openPostgresLog(url: string, { throughPooler, max }: PostgresLogOptions): EventLog {
  const connection = openTimeoutClient({
    url,
    applicationName: 'patient-sync live',
    limitMs: LIMIT_MS,
    max,
    prepare: !throughPooler,
    throughPooler,
  });
  return {
    readHeads: () => connection.query(readHeads),
    readStates: (ids) => connection.query((sql) => readStreamStates(sql, ids)),
    readAfter: (epoch, positions, options) =>
      connection.query((sql) => readEventsAfter(sql, epoch, positions, options)),
    endEpoch: (epoch) => connection.query((sql) => endEpoch(sql, epoch)),
    readTraces: (before) => connection.query((sql) => readTraces(sql, before)),
    appendSnapshot: (trace) => connection.query((sql) => appendSnapshot(sql, trace)),
    close: connection.close,
  };
}
