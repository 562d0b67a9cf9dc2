/** Appends to the audit log, in the transaction of the audited change: both are committed or neither. */
import type { ISql } from 'postgres';

export interface AuditEntry {
  organizationId: number | null;
  actor: string;
  /** `<thing>.<verb>` */
  action: AuditAction;
  /** Ids, counts, and names of settings and hosts. */
  details: Record<string, number | string>;
  /** `X-Request-Id`, if a request caused it. */
  requestId?: string;
}

export type AuditAction =
  | 'patients.read'
  | 'sync.start'
  | 'sync.cancel'
  | 'organization.change'
  | 'organization.pause'
  | 'organization.resume'
  | 'pause.begin'
  | 'pause.end'
  | 'organization.delete'
  | 'credentials.change'
  | 'credentials.verify'
  | 'quarantine.read'
  | 'quarantine.retry'
  | 'missing.confirm'
  | 'missing.release'
  | 'patients.erase'
  | 'patients.purge'
  | 'history.import'
  | 'operation.create'
  | 'operation.cancel'
  | 'webhook.create'
  | 'webhook.change'
  | 'webhook.delete'
  | 'webhook.test'
  | 'webhook.redeliver'
  | 'stream.open'
  | 'stream-token.create'
  | 'token.create'
  | 'token.revoke'
  | 'sql-reader.create'
  | 'sql-reader.revoke'
  | 'sign-in-link.create'
  | 'identity.allow'
  | 'identity.disallow'
  | 'session.create'
  | 'session.end'
  | 'audit.read'
  /** 401, 403 or 429 for a known account; `details` has status, code and route. */
  | 'access.refused'
  /** A write without an action of its own; `details.route` names it. */
  | 'api.write';

export async function appendAudit(tx: ISql, entry: AuditEntry): Promise<void> {
  const { organizationId, actor, action, details, requestId = null } = entry;
  await tx`insert into audit_log (organization_id, actor, action, details, request_id)
    values (${organizationId}, ${actor}, ${action}, ${JSON.stringify(details)}::text::jsonb, ${requestId})`;
}
