/**
 * Writes history into `sync_logs`. Nothing that follows runs takes it for news: it leaves one snapshot in the event log of the
 * organization, no event a row, and no webhook.
 *
 * The triggers on `sync_logs` write those for every row. In the same transaction, before another session sees them, they are
 * replaced by the snapshot, so `seq` stays dense and clients that poll see a new ETag. The trigger's NOTIFY wakes every
 * server once a transaction and organization.
 */
import type { ISql, Sql } from 'postgres';
import { retryTransaction } from '../../database/retry-transaction.ts';
import { shareOrganization } from '../../organizations/organization-lock.ts';
import type { HistoryRow } from './history-row.ts';

/** An arbitrary number, the same in every version. Two imports at once copy nothing twice. */
const IMPORT_LOCK = 7_262_012;

/**
 * Call it with rows of one organization, at most some thousand.
 *
 * @returns how many were inserted; the others had been imported before
 * @throws OrganizationDeletedError
 */
export async function writeHistory(
  sql: Sql,
  organizationId: number,
  rows: readonly HistoryRow[],
): Promise<number> {
  return await retryTransaction(() =>
    sql.begin(async (tx) => {
      await shareOrganization(tx, organizationId);
      await tx`select pg_advisory_xact_lock(${IMPORT_LOCK}, ${organizationId})`;
      const known = await findImported(tx, organizationId, rows);
      const fresh = rows.filter((row) => !known.has(sourceKey(row.source)));
      if (fresh.length > 0) await insertAsHistory(tx, organizationId, fresh);
      return fresh.length;
    }),
  );
}

export const sourceKey = ({ organization, id }: HistoryRow['source']): string =>
  JSON.stringify([organization, id]);

/** @returns the keys of those that are in `sync_logs` already */
export async function findImported(
  sql: ISql,
  organizationId: number,
  rows: readonly HistoryRow[],
): Promise<Set<string>> {
  const times = rows.map(({ startedAt }) => startedAt).sort();
  // By index. Two days more, because the first import may have used another time zone.
  const found = await sql<{ organization: string; id: string }[]>`
    select metadata #>> '{imported,organization_id}' as organization, metadata #>> '{imported,id}' as id
    from sync_logs where organization_id = ${organizationId}
      and started_at between ${times.at(0) ?? ''}::text::timestamp - interval '2 days'
        and ${times.at(-1) ?? ''}::text::timestamp + interval '2 days'
      and metadata #>> '{imported,id}' is not null`;
  return new Set(found.map((source) => sourceKey(source)));
}

async function insertAsHistory(tx: ISql, organizationId: number, rows: readonly HistoryRow[]): Promise<void> {
  await tx`insert into sync_streams (organization_id, head) values (${organizationId}, 0) on conflict do nothing`;
  const [stream] = await tx<{ head: string }[]>`
    select head from sync_streams where organization_id = ${organizationId} for update`;
  const head = stream?.head ?? '0';
  const inserted = await tx<{ id: number }[]>`
    insert into sync_logs (organization_id, operation_type, status, started_at, completed_at,
      records_processed, records_success, records_failed, error_details, metadata)
    select ${organizationId}::int, "operationType", status, "startedAt", "completedAt",
      processed, success, failed, "errorDetails", metadata
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as rows ("operationType" text, status text,
      "startedAt" timestamp, "completedAt" timestamp, processed int, success int, failed int, "errorDetails" text,
      metadata jsonb)
    order by "startedAt" returning id`;
  await tx`delete from sync_events where organization_id = ${organizationId} and seq > ${head}::text::bigint`;
  await tx`update sync_streams set head = ${head}::text::bigint where organization_id = ${organizationId}`;
  const ids = inserted.map(({ id }) => id);
  for (const messages of ['webhook_deliveries', 'webhook_notices']) {
    await tx`delete from ${tx(messages)} where sync_log_id = any(${ids}::int[])`;
  }
  await tx`select sync_events_append_removal(${organizationId})`;
}
