/** `READ_DATABASE_URL`: whether it is a replica of the database, and whether the server may read there. */
import { openDatabase } from '../../database/open.ts';
import { takesStartupParameters } from '../../database/session.ts';
import { openReplicaReads, type ReadOutcome } from '../../events/history-reads.ts';
import { readSyncLogs } from '../../events/sync-logs.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Any id: an organization without events has head 0 everywhere. */
const ORGANIZATION = 1;

const REASONS: Record<Exclude<ReadOutcome, 'replica'>, string> = {
  behind: 'it is behind, or belongs to another database',
  busy: 'it answers other reads',
  away: 'it cannot be reached, may not be read, or this role may not run pg_control_system()',
};

/** A replica is never needed for a sync, so nothing here is an error. */
export async function checkReplica(url: string, readUrl: string): Promise<Finding[]> {
  const takesParameters = await takesStartupParameters(url);
  const database = openDatabase(url, { max: 1, throughPooler: true, takesParameters });
  let outcome: ReadOutcome = 'away';
  const replica = openReplicaReads({
    url: readUrl,
    whole: database,
    primary: database,
    restrict: async () => {},
    onRead: (found) => {
      outcome = found;
    },
    onHealth: () => {},
  });
  try {
    if (!(await hasTables(database)))
      return [ok('replica', 'The replica can be checked after the first start.')];
    await replica.read(ORGANIZATION, (sql, epoch) => readSyncLogs(sql, ORGANIZATION, { limit: 1 }, epoch));
    return [describeOutcome(outcome)];
  } finally {
    await Promise.all([replica.close(), database.close()]);
  }
}

async function hasTables({ sql }: ReturnType<typeof openDatabase>): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass('sync_epoch_seed') is not null as there`;
  return row?.there === true;
}

function describeOutcome(outcome: ReadOutcome): Finding {
  if (outcome === 'replica') return ok('replica', 'READ_DATABASE_URL answers reads of histories.');
  return warning(
    'replica',
    `READ_DATABASE_URL is not used now (${REASONS[outcome]}); DATABASE_URL answers. Check that it is a streaming replica of DATABASE_URL with a direct connection.`,
  );
}
