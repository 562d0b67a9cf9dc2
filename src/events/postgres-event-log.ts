/**
 * The event log and the log of patient changes in PostgreSQL. They have their own connections, so a stream never waits behind the
 * batches of a sync. A query without a response within 4 s is abandoned, with its connection.
 */

import type { SessionSettings } from '../database/session.ts';
import { openTimeoutClient } from '../database/timeout-client.ts';
import { readChangeHeads } from '../patients/change-log.ts';
import { type ChangeLog, followChanges } from '../patients/follow-changes.ts';
import type { EventLog } from './event-log.ts';
import { endEpoch, readEventsAfter, readStreamStates } from './event-queries.ts';
import { readHeads, readOrganizations } from './heads.ts';
import { appendSnapshot, readFingerprints } from './unlogged-changes.ts';

const LIMIT_MS = 4_000;

/** A run that finds its patients unchanged commits 400 batches a second: one statement for each would take a sixth of its time. */
const SPACING_MS = 10;

/**
 * A read names the organizations in an array. PostgreSQL expects ten in it and mostly finds one, so it takes its general plan for
 * too slow and makes another for each read. With a partition for each day that takes longer than the read.
 */
const SETTINGS: SessionSettings = { plan_cache_mode: 'force_generic_plan' };

export interface PostgresLogOptions {
  throughPooler: boolean;
  /** Of the address (`pinSession`). Default: not through a pooler. */
  takesParameters?: boolean;
  /** Maximum number of connections. */
  max: number;
}

export function openPostgresLog(
  url: string,
  { throughPooler, takesParameters = !throughPooler, max }: PostgresLogOptions,
): EventLog & { readonly changes: ChangeLog } {
  const connection = openTimeoutClient({
    url,
    applicationName: 'patient-sync live',
    limitMs: LIMIT_MS,
    max,
    prepare: !throughPooler,
    throughPooler,
    takesParameters,
    settings: SETTINGS,
  });
  const end = (epoch: string) => connection.query((sql) => endEpoch(sql, epoch));
  return {
    spacingMs: SPACING_MS,
    changes: {
      spacingMs: SPACING_MS,
      readHeads: (ids) => connection.query((sql) => readChangeHeads(sql, ids)),
      follow: (organizationId, wanted) =>
        connection.query((sql) => followChanges(sql, organizationId, wanted)),
      endEpoch: end,
    },
    readHeads: (since) => connection.query((sql) => readHeads(sql, since)),
    readOrganizations: () => connection.query(readOrganizations),
    readStates: (ids) => connection.query((sql) => readStreamStates(sql, ids)),
    readAfter: (epoch, positions, options) =>
      connection.query((sql) => readEventsAfter(sql, epoch, positions, options)),
    endEpoch: end,
    readFingerprints: (before) => connection.query((sql) => readFingerprints(sql, before)),
    appendSnapshot: (fingerprint) => connection.query((sql) => appendSnapshot(sql, fingerprint)),
    close: connection.close,
  };
}
