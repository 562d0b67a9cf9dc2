/**
 * Runs of an organization that was deleted, when another one got its id: they stay in `sync_logs`, and tell nothing about the patients
 * that are stored now.
 */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';

/**
 * Whether a run of the organization belongs to the present one.
 *
 * @param at when it started or ended: a column without a time zone, in UTC
 */
export const isOfPresent = (sql: ISql, organizationId: Fragment, at: Fragment): Fragment => sql`
  ${at} >= coalesce((select erased_at at time zone 'utc' from sync_streams
    where sync_streams.organization_id = ${organizationId}), '-infinity')`;

/** Call it in the transaction that deletes the organization, when all its runs have ended. */
export async function leaveRunsBehind(tx: ISql, organizationId: number): Promise<void> {
  await tx`update sync_streams set erased_at = clock_timestamp() where organization_id = ${organizationId}`;
}
