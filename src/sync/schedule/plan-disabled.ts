/**
 * Plans the schedules that another server has disabled because it could not read them: one of an earlier version, or one that does not
 * know the time zone. It stored no next firing. Without this the schedule would rest after that server is replaced, and nothing would
 * tell.
 */
import type { Database } from '../../database/open.ts';
import {
  earliestDue,
  planFirings,
  readSchedules,
  storedFirings,
} from '../../organizations/planned-firings.ts';
import { clockOf } from './database-clock.ts';

/**
 * An organization that another program holds is left to the next time.
 *
 * @param now for tests; default: the clock of the database
 * @returns the organizations whose schedules have a next firing again
 */
export async function planDisabled({ sql }: Database, now?: Date): Promise<number[]> {
  const rows = await sql<{ id: number; schedule: unknown; now: string }[]>`
    select id, schedule, ${clockOf(sql, now)} as now from organizations
    where schedule is not null and next_sync_at is null and paused_at is null order by id`;
  const planned: number[] = [];
  for (const { id, schedule, now: at } of rows) {
    const firings = planFirings(readSchedules(schedule), new Date(at));
    if (earliestDue(firings) === null) continue;
    const { count } = await sql`
      update organizations set ${storedFirings(sql, firings)}
      where id = (select id from organizations where id = ${id} and schedule = ${JSON.stringify(schedule)}::text::jsonb
        and next_sync_at is null and paused_at is null for no key update skip locked)`;
    if (count > 0) planned.push(id);
  }
  return planned;
}
