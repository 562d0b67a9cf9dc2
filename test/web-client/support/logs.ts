/** Sync logs and events in the server's format, built from the fields that a test names. */
import type { ChangeEvent, ChangeType, SnapshotEvent } from '#contract/stream-event.ts';
import { SyncLog } from '#contract/sync-log.ts';

const AT = '2026-11-23T10:00:00.000Z';

export function aLog(change: Partial<SyncLog> & { percent?: number } = {}): SyncLog {
  const { percent = 0, ...columns } = change;
  return SyncLog.parse({
    id: 17,
    organization_id: 123,
    operation_type: 'full_patients',
    status: 'running',
    started_at: AT,
    completed_at: null,
    records_processed: 0,
    records_success: 0,
    records_failed: 0,
    error_details: null,
    source_system: 'cliniko',
    created_at: AT,
    updated_at: AT,
    cursor: null,
    metadata: { progress_percent: percent },
    ...columns,
  });
}

export function aChange(cursor: string, log: SyncLog, type: ChangeType = 'progress'): ChangeEvent {
  return { ...place(cursor, log.organization_id), type, sync_log_id: log.id, log };
}

export function aSnapshot(cursor: string, log: SyncLog | null, organizationId = 123): SnapshotEvent {
  return { ...place(cursor, organizationId), type: 'snapshot', sync_log_id: log?.id ?? null, log };
}

function place(cursor: string, organizationId: number) {
  const seq = Number(cursor.split('.')[1]);
  return { v: 1 as const, organization_id: organizationId, seq, cursor, at: AT };
}
