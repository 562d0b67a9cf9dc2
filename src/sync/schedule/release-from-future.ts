/**
 * Plans firings again that were planned while the clock was ahead: otherwise a schedule would rest until then, for a year if the clock
 * was a year ahead, and nothing would tell.
 *
 * A next firing is never further ahead than the longest interval of its schedules and the random delay. A time that another
 * program wrote into `next_sync_at` is kept: it differs from the planned one.
 */
import type { Sql } from 'postgres';
import type { Database } from '../../database/open.ts';
import {
  earliestDue,
  longestIntervalS,
  planFirings,
  readFirings,
  readSchedules,
  storedFirings,
} from '../../organizations/planned-firings.ts';
import { clockOf } from './database-clock.ts';

/** In seconds: the random delay, and a difference between the clocks of server and database. */
const SLACK_S = 15 * 60;

/** For a schedule whose longest interval is not stored. Most fire once a day. */
const UNKNOWN_INTERVAL_S = 366 * 86_400;

/** Second attempts come after an hour at most. */
const LONGEST_RETRY = '61 minutes';

const AT_ONCE = 500;

interface Row {
  id: number;
  schedule: unknown;
  firings: unknown;
  /** ISO 8601 UTC. */
  next: string;
  now: string;
}

/**
 * Each organization is changed by a statement of its own, so none is locked for long. One that another program holds is left to the
 * next time.
 *
 * @param now for tests; default: the clock of the database
 * @returns the organizations whose next firing is earlier now
 */
export async function releaseFromFuture({ sql }: Database, now?: Date): Promise<number[]> {
  const clock = clockOf(sql, now);
  await sql`update organizations set retry_at = ${clock} where id in (
    select id from organizations where retry_at > ${clock} + ${LONGEST_RETRY}::interval order by id for no key update skip locked)`;
  const intervalOf = rememberIntervals();
  const released: number[] = [];
  for (let after = 0; ; ) {
    const rows = await readPlannedAhead(sql, after, now);
    for (const row of rows) if (await planAgain(sql, row, intervalOf)) released.push(row.id);
    const last = rows.at(-1);
    if (last === undefined) return released;
    after = last.id;
  }
}

async function readPlannedAhead(sql: Sql, after: number, now: Date | undefined): Promise<Row[]> {
  const clock = clockOf(sql, now);
  return await sql<Row[]>`
    select id, schedule, firings, next_sync_at as next, ${clock} as now from organizations
    where id > ${after} and paused_at is null and next_sync_at > ${clock}
      + make_interval(secs => coalesce(longest_interval_s, ${UNKNOWN_INTERVAL_S}) + ${SLACK_S})
    order by id limit ${AT_ONCE}`;
}

type IntervalOf = (schedule: unknown, now: Date) => number | null;

/** Many clinics have the same schedule, and to search its longest interval takes milliseconds. */
function rememberIntervals(): IntervalOf {
  const known = new Map<string, number | null>();
  return (schedule, now) => {
    const key = JSON.stringify(schedule);
    const found = known.get(key);
    if (found !== undefined) return found;
    const interval = longestIntervalS(readSchedules(schedule), now);
    known.set(key, interval);
    return interval;
  };
}

async function planAgain(sql: Sql, row: Row, intervalOf: IntervalOf): Promise<boolean> {
  const now = new Date(row.now);
  const read = readSchedules(row.schedule);
  const planned = earliestDue(readFirings(row.firings, read));
  if (planned?.getTime() !== Date.parse(row.next)) return false;
  const firings = planFirings(read, now);
  const due = earliestDue(firings);
  // The stored interval may leave out gaps of more than a week, as the previous version did.
  const { count } = await sql`
    update organizations set longest_interval_s = ${intervalOf(row.schedule, now)}, ${storedFirings(sql, firings)}
    where id = (select id from organizations where id = ${row.id} and next_sync_at = ${row.next}::timestamptz
      and paused_at is null for no key update skip locked)`;
  return count > 0 && due !== null && planned.getTime() - due.getTime() > SLACK_S * 1_000;
}
