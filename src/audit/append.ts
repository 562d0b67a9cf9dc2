/** Writes into the audit log, in the transaction of what it tells: what happened is there, what did not happen is not. */
import type { ISql } from 'postgres';

export interface AuditEntry {
  organizationId: number | null;
  actor: string;
  /** `<thing>.<verb>` */
  action:
    | 'missing.confirm'
    | 'organization.delete'
    | 'patients.erase'
    | 'patients.purge'
    | 'webhook.create'
    | 'webhook.delete';
  /** Ids and counts only. */
  details: Record<string, number | string>;
}

export async function appendAudit(tx: ISql, entry: AuditEntry): Promise<void> {
  const { organizationId, actor, action, details } = entry;
  await tx`insert into audit_log (organization_id, actor, action, details)
    values (${organizationId}, ${actor}, ${action}, ${JSON.stringify(details)}::text::jsonb)`;
}
