/** The watermark of an organization: since when a changed sync reads changes. */
import type { ISql } from 'postgres';
import type { Fragment } from '../../database/fragment.ts';
import type { Database } from '../../database/open.ts';
import { keyVersion } from '../../organizations/organizations.ts';

/** The last one decides. Older ones are for a clock that was set back by less than a day. */
const NEWEST_RUNS = 20;

/** Clocks differ, and records that are written while a run starts become visible later. */
const OVERLAP = '5 minutes';

/**
 * A run that is not proven may have read a part of the changes only, so the changes since the last proven one are read again. Only
 * when none is proven, as when Cliniko reports no totals, the last one counts.
 *
 * @returns the time since which a changed sync reads changes (ISO 8601 UTC, whole seconds); undefined when no full or changed
 * sync of this organization has completed, or the last proven one is too long ago, so everything has to be read
 */
export async function readWatermark({ sql }: Database, organizationId: number): Promise<string | undefined> {
  const isProven = sql`log.metadata #>> '{proof,proven}' = 'true'`;
  const [row] = await sql<{ since: string | null }[]>`
    select to_char(coalesce(${newestBeginning(sql, organizationId, isProven)},
        case when not ${wasProven(sql, organizationId, isProven)} then ${newestBeginning(sql, organizationId, sql`true`)} end)
      - ${OVERLAP}::interval, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since`;
  return row?.since ?? undefined;
}

/**
 * When the newest of the completed runs began. Runs that read with another key, also before the organization was deleted, do not
 * count: the patients they stored may be deleted or may belong to another clinic.
 */
const newestBeginning = (sql: ISql, organizationId: number, condition: Fragment) => sql`(
  select max(began) from (
    select least(log.started_at,
      coalesce(run.checkpoint #>> '{position,startedAt}', run.checkpoint ->> 'began')::timestamptz at time zone 'utc') as began
    from sync_logs as log join sync_runs as run on run.sync_log_id = log.id
      join cliniko_credentials as credentials on credentials.organization_id = log.organization_id
    where log.organization_id = ${organizationId} and log.status = 'completed'
      and log.operation_type in ('full_patients', 'changed_patients')
      -- Another program can set the status of a run that has read only a part of the clinic.
      and log.metadata ->> 'phase' = 'completed'
      -- The clock was ahead: it is not known when this run began.
      and log.started_at < (now() at time zone 'utc') + interval '1 day'
      and run.checkpoint ->> 'keyVersion' = ${keyVersion(sql)}
      and ${condition}
    order by log.started_at desc, log.id desc limit ${NEWEST_RUNS}) as newest)`;

/** Whether a run with the present key is proven whose own record was deleted (run-retention.ts). */
const wasProven = (sql: ISql, organizationId: number, isProven: Fragment) => sql`
  exists (
    select from sync_logs as log join cliniko_credentials as credentials using (organization_id)
    where log.organization_id = ${organizationId} and log.status = 'completed' and ${isProven}
      and log.operation_type in ('full_patients', 'changed_patients')
      and log.started_at >= credentials.updated_at at time zone 'utc'
      and not exists (select from sync_runs where sync_log_id = log.id))`;
