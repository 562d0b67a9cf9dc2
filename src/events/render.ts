/**
 * Rows as the JSON that clients get: written once here, for the poll, the streams and the history alike.
 *
 * The result is text and is never parsed again on its way out. So the three are equal byte for byte, and a number
 * that another program put into `metadata` survives even where JavaScript could not hold it.
 *
 * Not here: which rows (sync-logs.ts, log.ts), the framing (live/).
 */
import { z } from 'zod';
import { formatCursor } from '../contract/cursor.ts';
import { PROTOCOL_VERSION } from '../contract/stream-event.ts';

/** A row of `sync_logs` as `sync_log_row()` (drizzle/) gives it, `metadata` apart and both as JSON text. */
export interface LogRowText {
  columns: string;
  metadata: string | null;
}

const Columns = z.object({
  id: z.int(),
  organization_id: z.int(),
  operation_type: z.string(),
  status: z.string(),
  started_at: z.string(),
  completed_at: z.string().nullable(),
  records_processed: z.int().nullable(),
  records_success: z.int().nullable(),
  records_failed: z.int().nullable(),
  error_details: z.string().nullable(),
});

/** @param seq of the row's last change; null when the history no longer has it */
export function renderSyncLog(row: LogRowText, epoch: string, seq: number | null): string {
  const log = Columns.parse(JSON.parse(row.columns));
  const head = JSON.stringify({
    id: log.id,
    organization_id: log.organization_id,
    operation_type: log.operation_type,
    status: log.status,
    started_at: utc(log.started_at),
    completed_at: log.completed_at === null ? null : utc(log.completed_at),
    records_processed: log.records_processed ?? 0,
    records_success: log.records_success ?? 0,
    records_failed: log.records_failed ?? 0,
    error_details: log.error_details,
    cursor: seq === null ? null : formatCursor(epoch, seq),
  });
  return `${head.slice(0, -1)},"metadata":${renderMetadata(row.metadata)}}`;
}

/** Old clients call `progress_percent.toFixed(1)`, so it is a number whatever another program wrote. */
function renderMetadata(text: string | null): string {
  const value: unknown = JSON.parse(text ?? 'null');
  if (text === null || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return '{"progress_percent": 0}';
  }
  if ('progress_percent' in value) {
    return typeof value.progress_percent === 'number'
      ? text
      : JSON.stringify({ ...value, progress_percent: 0 });
  }
  return text === '{}' ? '{"progress_percent": 0}' : `{"progress_percent": 0, ${text.slice(1)}`;
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
