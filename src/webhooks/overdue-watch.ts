/**
 * Puts the webhook `sync.overdue` into the outbox, once for each time that an organization becomes overdue (organizations/overdue.ts).
 *
 * No trigger can do this, because the event is that nothing happened. Every server looks; the row of the organization records
 * that the message is in the outbox, in the same statement, so one of them sends it. While a run of the organization is
 * working, the message waits: the run may end the delay.
 */
import type { Sql } from 'postgres';
import { isoTime } from '../database/iso-time.ts';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { isOverdue, lastSuccess } from '../organizations/overdue.ts';
import { isEverythingPaused } from '../organizations/pause.ts';
import { every } from '../timing/every.ts';

/** Jitter is added, so that servers do not look in step. */
const LOOK_EVERY_MS = 20_000;

/** @returns a function that stops it */
export function watchForOverdue({ sql }: Database, logger: Logger): () => void {
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        const organizations = await enqueueOverdue(sql);
        for (const id of organizations) logger.warn(`Organization ${id} is overdue: its data is not fresh`);
      } catch (error) {
        logger.warn(
          safeError(error),
          'Searching for overdue organizations failed; the next check tries again',
        );
      }
    },
  );
}

/**
 * Waits for no row: an organization that another transaction holds is left to the next look.
 *
 * @returns the organizations that have become overdue, with or without an endpoint
 */
export async function enqueueOverdue(sql: Sql): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    with looked as (
      select organization.id, ${isOverdue(sql)} as is_overdue, success.at as last_success_at,
        least(organization.next_sync_at, organization.retry_at) as next_run_at
      from organizations as organization ${lastSuccess(sql)}
      where (organization.schedule is not null or organization.overdue_sent_at is not null)
        and not ${isEverythingPaused(sql)}),
    changed as (
      select looked.* from looked join organizations as target on target.id = looked.id
      where is_overdue = (target.overdue_sent_at is null)
        and not (is_overdue and exists (select from sync_logs
          where organization_id = looked.id and sync_status_word(status) = 'running'))
      order by target.id for no key update of target skip locked),
    marked as (
      update organizations set overdue_sent_at = case when is_overdue then clock_timestamp() end
      from changed where changed.id = organizations.id
      returning changed.*)
    select id, webhook_enqueue(id, 'sync.overdue', null,
      jsonb_build_object('type', 'sync.overdue', 'timestamp', ${isoTime(sql, sql`clock_timestamp()`)},
        'data', jsonb_build_object('organization_id', id,
          'last_success_at', ${isoTime(sql, 'last_success_at')},
          'next_run_at', ${isoTime(sql, 'next_run_at')}))::text)
    from marked where is_overdue order by id`;
  return rows.map(({ id }) => id);
}
