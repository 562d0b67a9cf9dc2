/**
 * Renders rows as the JSON that clients get, for the poll, the streams and the history alike.
 *
 * The result is text that is not parsed again before it is sent. So the three are equal byte for byte, and numbers in
 * `metadata` that JavaScript cannot represent are kept.
 *
 * Neighbours: render-metadata.ts.
 * Not here: the selection of rows (sync-logs.ts, event-queries.ts), the framing (live/).
 */
import { z } from 'zod';
import { formatCursor } from '#contract/cursor.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { SyncStatus } from '#contract/sync-log.ts';
import { foreignReason, renderMetadata, type ShownLog, SOURCE_SYSTEM } from './render-metadata.ts';

/** A row of `sync_logs` from `sync_log_row()` (drizzle/): `metadata` and the other columns, each as JSON text. */
export interface LogRowText {
  columns: string;
  metadata: string | null;
}

/** The last change of the row; both null when the history no longer has it. */
export interface LastChange {
  seq: number | null;
  /** ISO 8601 UTC. */
  at: string | null;
}

const Columns = z.object({
  id: z.int(),
  organization_id: z.int(),
  operation_type: z.string(),
  status: SyncStatus,
  /** The stored status in lower case; absent in events of earlier versions. */
  word: z.string().optional(),
  started_at: z.string(),
  completed_at: z.string().nullable(),
  records_processed: z.int().nullable(),
  records_success: z.int().nullable(),
  records_failed: z.int().nullable(),
  error_details: z.string().nullable(),
});

export function renderSyncLog(row: LogRowText, epoch: string, change: LastChange): string {
  const log = Columns.parse(JSON.parse(row.columns));
  const startedAt = utc(log.started_at);
  const endedAt = log.completed_at === null ? null : utc(log.completed_at);
  const shown: ShownLog = {
    id: log.id,
    organization_id: log.organization_id,
    source_system: SOURCE_SYSTEM,
    operation_type: log.operation_type,
    status: log.status,
    started_at: startedAt,
    // Programs with their own status words often omit `completed_at` and `error_details`.
    completed_at: endedAt ?? (log.status === 'running' ? null : (change.at ?? startedAt)),
    records_processed: log.records_processed ?? 0,
    records_success: log.records_success ?? 0,
    records_failed: log.records_failed ?? 0,
    error_details: log.error_details?.trim() || foreignReason(log, row.metadata) || log.error_details,
    created_at: startedAt,
    updated_at: change.at ?? endedAt ?? startedAt,
    cursor: change.seq === null ? null : formatCursor(epoch, change.seq),
  };
  return `${JSON.stringify(shown).slice(0, -1)},"metadata":${renderMetadata(row.metadata, shown, log.word)}}`;
}

const FIRST_ISO_TIME = '0001-01-01T00:00:00.000Z';
const LAST_ISO_TIME = '9999-12-31T23:59:59.999Z';

/**
 * `timestamp` columns hold UTC without a zone, with up to six fractional digits. Other programs can store times that
 * ISO 8601 cannot represent: these become its first or its last time.
 */
function utc(timestamp: string): string {
  if (timestamp === '-infinity' || timestamp.endsWith(' BC')) return FIRST_ISO_TIME;
  if (!/^\d{4}-/.test(timestamp)) return LAST_ISO_TIME;
  const [seconds = timestamp, fraction = ''] = timestamp.split('.', 2);
  return `${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
}

export interface EnvelopeParts {
  type: string;
  organizationId: number;
  syncLogId: number | null;
  seq: number;
  /** ISO 8601 UTC. */
  at: string;
  /** A rendered sync log, or `null`. */
  log: string;
}

export function renderEnvelope(parts: EnvelopeParts, epoch: string): string {
  const head = JSON.stringify({
    v: PROTOCOL_VERSION,
    type: parts.type,
    organization_id: parts.organizationId,
    sync_log_id: parts.syncLogId,
    seq: parts.seq,
    cursor: formatCursor(epoch, parts.seq),
    at: parts.at,
  });
  return `${head.slice(0, -1)},"log":${parts.log}}`;
}
