/** Erasing a clinic: its patients, quarantine, key, schedule and settings. Its logs stay, without a patient in them. */
import type { ISql } from 'postgres';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import type { ErasedOrganization } from '../contract/erasure.ts';
import { beginImpatient } from '../database/impatient.ts';
import type { Database } from '../database/open.ts';
import { endByForce } from '../sync/end-by-force.ts';
import { OrganizationDeletedError } from '../sync/failure.ts';
import { countErasable, erasePatients } from './erase.ts';

const EVERYBODY = { kind: 'everybody' } as const;

/** What `eraseOrganization` would do. Changes nothing. @returns undefined when it is not registered */
export async function previewErasure(
  { sql }: Database,
  organizationId: number,
): Promise<ErasedOrganization | undefined> {
  const clinic = await findClinic(sql, organizationId);
  if (clinic === undefined) return undefined;
  const { patients, quarantined } = await countErasable(sql, organizationId, EVERYBODY);
  return { organization_id: organizationId, dry_run: true, patients, quarantined, ...clinic };
}

/**
 * In one transaction. A sync of ours that is under way is ended and its worker fenced, so nobody writes patients behind it.
 *
 * @returns undefined when it is not registered
 */
export async function eraseOrganization(
  { sql }: Database,
  organizationId: number,
  by: Pick<AuditEntry, 'actor' | 'requestId'>,
): Promise<ErasedOrganization | undefined> {
  return await beginImpatient(sql, async (tx) => {
    const clinic = await findClinic(tx, organizationId);
    if (clinic === undefined) return undefined;
    const { ended_sync_log_id: running } = clinic;
    if (running !== null) await endByForce(tx, running, new OrganizationDeletedError());
    const erased = await erasePatients(tx, organizationId, EVERYBODY);
    // The key goes with its row.
    await tx`delete from organizations where id = ${organizationId}`;
    await appendAudit(tx, {
      organizationId,
      ...by,
      action: 'organization.delete',
      details: { patients: erased.patients, quarantined: erased.quarantined },
    });
    return { organization_id: organizationId, dry_run: false, ...erased, ...clinic };
  });
}

/** Locks its row: whoever changes or starts something about it comes before or after. */
async function findClinic(
  sql: ISql,
  id: number,
): Promise<Pick<ErasedOrganization, 'credentials' | 'schedule' | 'ended_sync_log_id'> | undefined> {
  const [clinic] = await sql<{ credentials: boolean; schedule: boolean; ended_sync_log_id: number | null }[]>`
    select schedule is not null as schedule,
      exists (select 1 from cliniko_credentials where organization_id = organizations.id) as credentials,
      (select sync_log_id from sync_runs where organization_id = organizations.id and ended_at is null limit 1)
        as ended_sync_log_id
    from organizations where id = ${id} for update`;
  return clinic;
}
