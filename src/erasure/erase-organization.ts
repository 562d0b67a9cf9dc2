/** Erases a clinic: its patients, quarantine, key, schedule and settings. Its logs stay, without patient data. */
import type { ISql } from 'postgres';
import type { ErasedOrganization } from '#contract/erasure.ts';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import type { Database, Tx } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import { beginTerminatingBlockers } from '../database/terminate-blockers.ts';
import { OrganizationDeletedError } from '../organizations/organization-lock.ts';
import { interruptAndRun } from '../sync/exclusive-transaction.ts';
import { forceFailRun } from '../sync/force-fail-run.ts';
import { countErasable, erasePatients } from './erase.ts';
import { lockNamingRows } from './patient-lines.ts';

const ALL_PATIENTS = { kind: 'all' } as const;

/**
 * The preview of `eraseOrganization`. Changes nothing.
 * @returns undefined when it is not registered
 */
export async function previewErasure(
  { sql }: Database,
  organizationId: number,
): Promise<ErasedOrganization | undefined> {
  const clinic = await findClinic(sql, organizationId);
  if (clinic === undefined) return undefined;
  const { patients, quarantined } = await countErasable(sql, organizationId, ALL_PATIENTS);
  return { organization_id: organizationId, dry_run: true, patients, quarantined, ...clinic };
}

/**
 * Erases in one transaction that holds the organization exclusively. A running sync is ended and its worker is fenced, and a
 * later start or quarantine retry finds no organization, so no patient is written afterwards.
 *
 * @returns undefined when it is not registered
 */
export async function eraseOrganization(
  { sql }: Database,
  organizationId: number,
  by: Pick<AuditEntry, 'actor' | 'requestId'>,
): Promise<ErasedOrganization | undefined> {
  const erase = async (tx: Tx): Promise<ErasedOrganization | undefined> => {
    // Read in a statement after the lock, so that it includes a run that was started before the lock.
    const clinic = await findClinic(tx, organizationId);
    if (clinic === undefined) return undefined;
    const { ended_sync_log_id: running } = clinic;
    await lockNamingRows(tx, organizationId, null);
    if (running !== null) await forceFailRun(tx, running, new OrganizationDeletedError(organizationId));
    const erased = await erasePatients(tx, organizationId, ALL_PATIENTS);
    await forgetDeliveries(tx, organizationId);
    // The key is deleted with its row.
    await tx`delete from organizations where id = ${organizationId}`;
    await appendAudit(tx, {
      organizationId,
      ...by,
      action: 'organization.delete',
      details: { patients: erased.patients, quarantined: erased.quarantined },
    });
    return { organization_id: organizationId, dry_run: false, ...erased, ...clinic };
  };
  return await interruptAndRun(sql, organizationId, erase, (work) => beginTerminatingBlockers(sql, work));
}

/** A cascade would delete them with the row of the organization, in one statement of any size. */
async function forgetDeliveries(tx: Tx, organizationId: number): Promise<void> {
  for (;;) {
    const { count } = await tx`
      delete from webhook_deliveries using (
        select id from webhook_deliveries
        where endpoint_id in (select id from webhook_endpoints where organization_id = ${organizationId})
        order by id limit ${ROWS_AT_ONCE} for update) as locked
      where webhook_deliveries.id = locked.id`;
    if (count === 0) return;
  }
}

async function findClinic(
  sql: ISql,
  id: number,
): Promise<Pick<ErasedOrganization, 'credentials' | 'schedule' | 'ended_sync_log_id'> | undefined> {
  const [clinic] = await sql<{ credentials: boolean; schedule: boolean; ended_sync_log_id: number | null }[]>`
    select schedule is not null as schedule,
      exists (select 1 from cliniko_credentials where organization_id = organizations.id) as credentials,
      (select sync_log_id from sync_runs where organization_id = organizations.id and ended_at is null limit 1)
        as ended_sync_log_id
    from organizations where id = ${id}`;
  return clinic;
}
