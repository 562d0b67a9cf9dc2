/** Reads, cancels and deletes bulk operations. */
import type { ISql, Sql } from 'postgres';
import type { BulkOperation } from '#contract/bulk-operation.ts';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import { isoTime } from '../database/iso-time.ts';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';

const KEPT_FOR = '30 days';

export interface FoundOperation {
  /** The account that created it. */
  actor: string;
  operation: BulkOperation;
}

export async function readOperation(sql: ISql, id: number): Promise<FoundOperation | undefined> {
  const [row] = await sql<(BulkOperation & { actor: string })[]>`
    select id as operation_id, action, status, matched, target.*, actor,
      ${isoTime(sql, 'created_at')} as created_at, ${isoTime(sql, 'completed_at')} as completed_at
    from bulk_operations cross join lateral (
      select count(*) filter (where outcome = 'done')::int as done,
        count(*) filter (where outcome = 'skipped')::int as skipped,
        count(*) filter (where outcome = 'failed')::int as failed
      from bulk_operation_targets where operation_id = id) as target
    where id = ${id}`;
  if (row === undefined) return undefined;
  const { actor, ...operation } = row;
  return { actor, operation };
}

/** What has been done stays. Recorded in the audit log. @returns false when it has ended already */
export async function cancelOperation(
  sql: Sql,
  id: number,
  by: Pick<AuditEntry, 'actor' | 'requestId'>,
): Promise<boolean> {
  return await sql.begin(async (tx) => {
    const cancelled = await tx`
      update bulk_operations set status = 'cancelled', completed_at = clock_timestamp()
      where id = ${id} and status = 'running' returning id`;
    if (cancelled.length === 0) return false;
    await appendAudit(tx, {
      organizationId: null,
      action: 'operation.cancel',
      details: { operation_id: id },
      ...by,
    });
    return true;
  });
}

/** Deletes operations that ended a month ago. @returns a function that stops it */
export async function startOperationRetention({ sql }: Database, logger: Logger): Promise<() => void> {
  const trim = async (): Promise<void> => {
    await sql`delete from bulk_operations where completed_at < now() - ${KEPT_FOR}::interval`;
  };
  return await maintainHourly(trim, logger, 'Deleting old operations failed; the next try deletes them');
}
