/** Starts the second attempts that are due (second-attempt.ts), once for any number of servers. */
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import { briefLockWait, waitedTooLong } from '../../database/brief-lock.ts';
import type { Database, Tx } from '../../database/open.ts';
import { isDatabaseUnavailable } from '../../database/transient-errors.ts';
import { isEverythingPaused } from '../../organizations/pause.ts';
import { wouldStartWait } from '../locked-organization.ts';
import { createRun } from '../start-run.ts';
import { clockOf } from './database-clock.ts';

/** How soon an attempt that waits for a running run looks again. */
const WAIT = '30 seconds';

type Attempted =
  | { outcome: 'started' }
  /** Another run is working. */
  | { outcome: 'waits' }
  /** Another program holds the organization. The attempt stays due. */
  | { outcome: 'locked' }
  | { outcome: 'failed'; error: unknown };

export type SecondAttempt = {
  organizationId: number;
  /** The failed run. */
  retryOf: number;
} & Attempted;

interface Due {
  id: number;
  retry_of: number;
  type: OperationType;
  schedule: string | null;
}

/**
 * @param passedOver organizations that are left out
 * @param now for tests; default: the clock of the database
 * @returns undefined when none is due
 */
export async function startNextAttempt(
  { sql }: Database,
  passedOver: readonly number[],
  now?: Date,
): Promise<SecondAttempt | undefined> {
  return await sql.begin(async (tx): Promise<SecondAttempt | undefined> => {
    const clock = clockOf(tx, now);
    const [due] = await tx<Due[]>`
      select id, retry_of, retry_type as type,
        (select metadata -> 'trigger' ->> 'schedule' from sync_logs where sync_logs.id = retry_of) as schedule,
        ${briefLockWait(tx)}
      from organizations
      where retry_at <= ${clock} and paused_at is null and id <> all(${passedOver as number[]}::int[])
        and not ${isEverythingPaused(tx)}
      order by retry_at limit 1 for update skip locked`;
    if (due === undefined) return undefined;
    const attempted = await start(tx, due);
    const { outcome } = attempted;
    if (outcome === 'started' || outcome === 'waits')
      await tx`update organizations
        set retry_at = case when ${outcome === 'waits'} then ${clock} + ${WAIT}::interval end where id = ${due.id}`;
    return { organizationId: due.id, retryOf: due.retry_of, ...attempted };
  });
}

async function start(tx: Tx, { id, retry_of: retryOf, type, schedule }: Due): Promise<Attempted> {
  const trigger: SyncTrigger = { kind: 'retry', ...(schedule !== null && { schedule }) };
  try {
    if (await wouldStartWait(tx, id)) return { outcome: 'locked' };
    const run = await tx.savepoint((inner) => createRun(inner, id, type, { trigger, retryOf }));
    return { outcome: run === undefined ? 'waits' : 'started' };
  } catch (error) {
    if (waitedTooLong(error)) return { outcome: 'locked' };
    if (isDatabaseUnavailable(error)) throw error;
    return { outcome: 'failed', error };
  }
}
