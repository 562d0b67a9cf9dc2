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
import { createFailureLog } from '../logging/failure-log.ts';
import type { Logger } from '../logging/logger.ts';
import { isOverdue, lastSuccess } from '../organizations/overdue.ts';
import { isEverythingPaused } from '../organizations/pause.ts';
import { every } from '../timing/every.ts';

/** Jitter is added, so that servers do not look in step. */
const LOOK_EVERY_MS = 20_000;

/**
 * Each organization costs a lookup, on each server. So above `atOnce` organizations each look takes a part of them; the parts have
 * their turns, within three minutes on one server, and sooner on several.
 */
const LIMITS = { atOnce: 5_000, parts: 8 };

/** @returns a function that stops it */
export function watchForOverdue({ sql }: Database, logger: Logger): () => void {
  // Several servers begin with different parts.
  let turn = Math.floor(Math.random() * LIMITS.parts);
  const onFailed = createFailureLog(
    logger,
    'Searching for overdue organizations failed; the next check tries again',
  );
  return every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        const organizations = await enqueueOverdue(sql, turn++);
        for (const id of organizations) logger.warn(`Organization ${id} is overdue: its data is not fresh`);
      } catch (error) {
        onFailed(error);
      }
    },
  );
}

/**
 * Waits for no row: an organization that another transaction holds is left to the next look.
 *
 * @param turn which part of the organizations, if there are many; any number from 0
 * @returns the organizations that have become overdue, with or without an endpoint
 */
export async function enqueueOverdue(sql: Sql, turn = 0, limits = LIMITS): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    with part as (
      select least(${limits.parts}, greatest(1, ceil(reltuples / ${limits.atOnce})))::int as count
      from pg_class where oid = 'organizations'::regclass),
    looked as (
      select organization.id, ${isOverdue(sql)} as is_overdue, success.at as last_success_at,
        least(organization.next_sync_at, organization.retry_at) as next_run_at
      from part cross join organizations as organization ${lastSuccess(sql)}
      where organization.id % part.count = ${turn}::int % part.count
        and (organization.schedule is not null or organization.overdue_sent_at is not null)
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
