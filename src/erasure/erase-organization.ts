/** Erases a clinic: its patients, quarantine, key, schedule and settings. Its logs stay, without patient data. */
import type { ISql } from 'postgres';
import type { ErasedOrganization } from '#contract/erasure.ts';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import type { Database, Tx } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import { beginTerminatingBlockers } from '../database/terminate-blockers.ts';
import { leaveRunsBehind } from '../organizations/erased-runs.ts';
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
    await lockEndpoints(tx, organizationId);
    await forgetDeliveries(tx, organizationId);
    await leaveSharedEndpoints(tx, organizationId);
    await leaveSqlReaders(tx, organizationId);
    await leaveRunsBehind(tx, organizationId);
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

/**
 * Of its own endpoints, which a cascade would delete with the row of the organization, in one statement of any size; and what
 * is about it alone of endpoints of several. An endpoint of all keeps the changes of patients, which hold ids only: a copy has to
 * erase these patients too.
 */
async function forgetDeliveries(tx: Tx, organizationId: number): Promise<void> {
  for (;;) {
    const { count } = await tx`
      delete from webhook_deliveries using (
        select id from webhook_deliveries
        where endpoint_id in (
          select id from webhook_endpoints where organization_id = ${organizationId} or organization_id is null)
          and organization_id = ${organizationId}
          and (event <> 'patients.changed' or endpoint_id not in (
            select id from webhook_endpoints where organization_id is null and organizations is null))
        order by id limit ${ROWS_AT_ONCE} for update) as locked
      where webhook_deliveries.id = locked.id`;
    if (count === 0) return;
  }
}

/** Before what waits for them and what they were sent, as everything that changes an endpoint does. */
async function lockEndpoints(tx: Tx, organizationId: number): Promise<void> {
  await tx`
    select from webhook_endpoints
    where organization_id = ${organizationId} or organizations @> ${[organizationId]}::int[]
      or organization_id is null and organizations is null
    order by id for no key update`;
}

/** An endpoint of several stays for the others; without any it is deleted. */
async function leaveSharedEndpoints(tx: Tx, organizationId: number): Promise<void> {
  await tx`delete from webhook_endpoints where organizations <@ ${[organizationId]}::int[]`;
  await tx`update webhook_endpoints set organizations = array_remove(organizations, ${organizationId})
    where organizations @> ${[organizationId]}::int[]`;
  await tx`delete from webhook_notices where organization_id = ${organizationId}`;
  // An endpoint of all is still sent that the patients were erased.
  await tx`delete from webhook_change_positions as position using webhook_endpoints as endpoint
    where position.organization_id = ${organizationId} and endpoint.id = position.endpoint_id
      and endpoint.organizations is not null`;
}

/** Another clinic may get this id later. */
async function leaveSqlReaders(tx: Tx, organizationId: number): Promise<void> {
  await tx`
    with locked as (
      select role_name from sql_readers where organizations @> ${[organizationId]}::int[] order by role_name for update)
    update sql_readers set organizations = array_remove(organizations, ${organizationId})
    from locked where sql_readers.role_name = locked.role_name`;
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
