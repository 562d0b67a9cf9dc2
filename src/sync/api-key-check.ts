/**
 * The API key of a run. Pages read with two keys may belong to two clinics, so together they prove nothing. A run therefore
 * uses the key it began with and fails when it finds another one. The check happens when a worker claims the run, every few
 * seconds while it runs, and in the transaction that completes it.
 */
import type { ISql } from 'postgres';
import type { Database } from '../database/open.ts';
import { isRegistered, OrganizationDeletedError } from '../organizations/organization-lock.ts';
import { keyVersion, readKeyVersion } from '../organizations/organizations.ts';
import { KeyReplacedError } from './failure.ts';
import { isOurs, type Lease } from './lease.ts';
import type { RunState } from './run-state.ts';

/**
 * @param before the version of the key that the run began with; null before it has one
 * @returns the version of the stored key; null when there is none
 * @throws KeyReplacedError, OrganizationDeletedError
 */
export async function assertSameApiKey(
  sql: ISql,
  { organizationId }: Lease,
  before: string | null,
): Promise<string | null> {
  const now = (await readKeyVersion(sql, organizationId)) ?? null;
  if (now === null && !(await isRegistered(sql, organizationId))) {
    throw new OrganizationDeletedError(organizationId);
  }
  if (before !== null && before !== now) throw new KeyReplacedError('The API key was replaced.');
  return now;
}

/** Stores which key a run reads with, so that a new key also ends a run that still waits for its first page. */
export async function recordApiKey({ sql }: Database, lease: Lease, state: RunState): Promise<void> {
  await sql`update sync_runs set checkpoint = ${JSON.stringify(state)}::text::jsonb
    where ${isOurs(sql, lease)}`;
}

export interface LostKey {
  syncLogId: number;
  reason: KeyReplacedError | OrganizationDeletedError;
}

/** @returns the runs whose checkpoint has another key than their clinic has now, and those whose clinic was deleted */
export async function findLostKeys({ sql }: Database, syncLogIds: readonly number[]): Promise<LostKey[]> {
  if (syncLogIds.length === 0) return [];
  const rows = await sql<{ id: number; organization_id: number; is_deleted: boolean }[]>`
    select sync_log_id as id, run.organization_id, organization.id is null as is_deleted
    from sync_runs as run left join cliniko_credentials as credentials using (organization_id)
      left join organizations as organization on organization.id = run.organization_id
    where sync_log_id = any(${syncLogIds as number[]}::int[])
      and (organization.id is null
        or run.checkpoint ->> 'keyVersion' <> coalesce(${keyVersion(sql)}, ''))`;
  return rows.map((row) => ({
    syncLogId: row.id,
    reason: row.is_deleted
      ? new OrganizationDeletedError(row.organization_id)
      : new KeyReplacedError('The API key was replaced.'),
  }));
}
