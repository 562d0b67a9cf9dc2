/** Starts the second attempts that are due (second-attempt.ts), once for any number of servers. */
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import { briefLockWait, waitedTooLong } from '../../database/brief-lock.ts';
import type { Database } from '../../database/open.ts';
import { isDatabaseUnavailable } from '../../database/transient-errors.ts';
import { isEverythingPaused } from '../../organizations/pause.ts';
import { createRun } from '../start-run.ts';

/** How soon an attempt that waits for a running run looks again. */
const WAIT = '30 seconds';

export type SecondAttempt = {
  organizationId: number;
  /** The failed run. */
  retryOf: number;
} & (
  | { outcome: 'started' }
  /** Another run is working. */
  | { outcome: 'waits' }
  | { outcome: 'failed'; error: unknown }
);

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
    const clock = tx`coalesce(${now?.toISOString() ?? null}::timestamptz, clock_timestamp())`;
    const [due] = await tx<{ id: number; retry_of: number; type: OperationType; schedule: string | null }[]>`
      select id, retry_of, retry_type as type,
        (select metadata -> 'trigger' ->> 'schedule' from sync_logs where sync_logs.id = retry_of) as schedule,
        ${briefLockWait(tx)}
      from organizations
      where retry_at <= ${clock} and paused_at is null and id <> all(${passedOver as number[]}::int[])
        and not ${isEverythingPaused(tx)}
      order by retry_at limit 1 for update skip locked`;
    if (due === undefined) return undefined;
    const { id: organizationId, retry_of: retryOf, type, schedule } = due;
    const trigger: SyncTrigger = { kind: 'retry', ...(schedule !== null && { schedule }) };
    try {
      const run = await tx.savepoint((inner) => createRun(inner, organizationId, type, { trigger, retryOf }));
      const isWaiting = run === undefined;
      await tx`update organizations
        set retry_at = case when ${isWaiting} then ${clock} + ${WAIT}::interval end where id = ${organizationId}`;
      return { organizationId, retryOf, outcome: isWaiting ? 'waits' : 'started' };
    } catch (error) {
      if (isDatabaseUnavailable(error) && !waitedTooLong(error)) throw error;
      // The attempt stays due.
      return { organizationId, retryOf, outcome: 'failed', error };
    }
  });
}
