/**
 * Rows as the JSON that clients get: written once here, for the poll, the streams and the history alike.
 *
 * The result is text and is never parsed again on its way out. So the three are equal byte for byte, and a number
 * that another program put into `metadata` survives even where JavaScript could not hold it.
 *
 * Neighbours: render-metadata.ts.
 * Not here: which rows (sync-logs.ts, event-queries.ts), the framing (live/).
 */
import { z } from 'zod';
import { formatCursor } from '#contract/cursor.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { SyncStatus } from '#contract/sync-log.ts';
import { foreignReason, renderMetadata, type ShownLog, SOURCE_SYSTEM } from './render-metadata.ts';

/** A row of `sync_logs` as `sync_log_row()` (drizzle/) gives it, `metadata` apart and both as JSON text. */
export interface LogRowText {
  columns: string;
  metadata: string | null;
}

/** The row's last change; both null when the history no longer has it. */
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
  /** The status as another program wrote it, in small letters; absent in events of earlier versions. */
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
    // A program that ends its run with a word of its own often leaves these two out.
    completed_at: endedAt ?? (log.status === 'running' ? null : (change.at ?? startedAt)),
    records_processed: log.records_processed ?? 0,
    records_success: log.records_success ?? 0,
    records_failed: log.records_failed ?? 0,
    error_details: log.error_details?.trim() || foreignReason(log.status, log.word) || log.error_details,
    created_at: startedAt,
    updated_at: change.at ?? endedAt ?? startedAt,
    cursor: change.seq === null ? null : formatCursor(epoch, change.seq),
  };
  return `${JSON.stringify(shown).slice(0, -1)},"metadata":${renderMetadata(row.metadata, shown, log.word)}}`;
}

const BEFORE_ALL_TIME = '0001-01-01T00:00:00.000Z';
const AFTER_ALL_TIME = '9999-12-31T23:59:59.999Z';

/**
 * `timestamp` columns hold UTC without saying so, with up to six digits of a second. Other programs can write moments there
 * that ISO 8601 has no word for: they are told as the first or the last one it has.
 */
function utc(timestamp: string): string {
  if (timestamp === '-infinity' || timestamp.endsWith(' BC')) return BEFORE_ALL_TIME;
  if (!/^\d{4}-/.test(timestamp)) return AFTER_ALL_TIME;
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
