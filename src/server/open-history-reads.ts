/** Opens the reads of long histories: on the replica of `READ_DATABASE_URL`, or on the database itself. */
import type { RowLevelSecurity } from '../access/row-level-security.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/open.ts';
import {
  type HistoryReads,
  openReplicaReads,
  primaryReads,
  type ReplicaLoss,
} from '../events/history-reads.ts';
import type { Logger } from '../logging/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';

export interface HistoryReadDeps {
  config: Pick<Config, 'readDatabaseUrl'>;
  /** The database without the restrictions of a request. */
  whole: Database;
  rowLevelSecurity: RowLevelSecurity;
  logger: Logger;
  metrics: Pick<Metrics, 'historyRead'>;
}

export function openHistoryReads(deps: HistoryReadDeps): HistoryReads & { close(): Promise<void> } {
  const { config, whole, rowLevelSecurity, logger, metrics } = deps;
  const { database: primary, restrict } = rowLevelSecurity;
  if (config.readDatabaseUrl === undefined) return { ...primaryReads(primary), close: async () => {} };
  return openReplicaReads({
    url: config.readDatabaseUrl,
    whole,
    primary,
    restrict,
    onRead: metrics.historyRead,
    onHealth: (lost) => logReplica(logger, lost),
  });
}

const LOSSES: Record<ReplicaLoss, string> = {
  away: 'The replica of READ_DATABASE_URL does not answer; the primary answers its reads. Check the address and the replica: npm run doctor',
  unprovable:
    'READ_DATABASE_URL is not used, because this role of the database may not run pg_control_system(), which tells whether a replica is one of this database. Grant it: grant execute on function pg_control_system(), pg_control_checkpoint() to the role of DATABASE_URL',
};

function logReplica(logger: Logger, lost: ReplicaLoss | undefined): void {
  if (lost === undefined) logger.info('The replica of READ_DATABASE_URL answers again.');
  else logger.warn(LOSSES[lost]);
}
