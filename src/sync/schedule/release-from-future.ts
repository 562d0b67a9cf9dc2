/**
 * Plans firings again that were planned while the clock was ahead: otherwise a schedule would rest until then, for a year if the clock
 * was a year ahead, and nothing would tell.
 *
 * A next firing is never further ahead than the longest interval of its schedules and the random delay. A time that another
 * program wrote into `next_sync_at` is kept: it differs from the planned one.
 */
import type { Database, Tx } from '../../database/open.ts';
import {
  earliestDue,
  longestIntervalS,
  planFirings,
  readFirings,
  readSchedules,
} from '../../organizations/planned-firings.ts';

/** In seconds: the random delay, and a difference between the clocks of server and database. */
const SLACK_S = 15 * 60;

/** Second attempts come after an hour at most. */
const LONGEST_RETRY = '61 minutes';

const AT_ONCE = 500;

interface Row {
  id: number;
  schedule: unknown;
  firings: unknown;
  next_ms: number;
}

/**
 * @param now for tests; default: the clock of the database
 * @returns the organizations whose next firing is earlier now
 */
export async function releaseFromFuture({ sql }: Database, now?: Date): Promise<number[]> {
  return await sql.begin(async (tx) => {
    const clock = tx`coalesce(${now?.toISOString() ?? null}::timestamptz, clock_timestamp())`;
    await tx`update organizations set retry_at = ${clock} where id in (
      select id from organizations where retry_at > ${clock} + ${LONGEST_RETRY}::interval
      order by id for no key update skip locked)`;
    const rows = await tx<(Row & { now: string })[]>`
      select id, schedule, firings, extract(epoch from next_sync_at)::float8 * 1000 as next_ms, ${clock} as now
      from organizations
      where isfinite(next_sync_at) and paused_at is null
        and next_sync_at > ${clock} + make_interval(secs => longest_interval_s + ${SLACK_S})
      order by id limit ${AT_ONCE} for no key update skip locked`;
    const released: number[] = [];
    for (const row of rows) if (await planAgain(tx, row, new Date(row.now))) released.push(row.id);
    return released;
  });
}

async function planAgain(tx: Tx, { id, schedule, firings, next_ms }: Row, now: Date): Promise<boolean> {
  const read = readSchedules(schedule);
  const planned = earliestDue(readFirings(firings, read));
  if (planned === null || Math.abs(planned.getTime() - next_ms) > 1) return false;
  const next = planFirings(read, now);
  const due = earliestDue(next);
  // The stored interval may leave out gaps of more than a week, as the previous version did.
  await tx`update organizations set longest_interval_s = ${longestIntervalS(read, now)},
      firings = ${JSON.stringify(next)}::text::jsonb, next_sync_at = ${due?.toISOString() ?? null}::timestamptz
    where id = ${id}`;
  return due !== null && planned.getTime() - due.getTime() > SLACK_S * 1_000;
}
