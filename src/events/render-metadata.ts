/**
 * The metadata of a sync log as clients get it. What a row holds passes through as it is; what clients rely on and another
 * program left out is filled in here, for the poll and the streams alike. The table keeps what it has.
 */
import type { SyncLog, SyncStep } from '#contract/sync-log.ts';

export const SOURCE_SYSTEM = 'cliniko';

/** A sync log without its metadata. */
export type ShownLog = Omit<SyncLog, 'metadata'>;

const REASONS: Readonly<Record<string, string>> = {
  timeout: 'The sync timed out.',
  cancelled: 'The sync was cancelled.',
  error: 'The sync failed; the program that ran it gave no reason.',
};

/** @returns why a run failed whose row gives no reason; undefined when its status is one of ours */
export function foreignReason(status: SyncLog['status'], word: string | undefined): string | undefined {
  return status === 'failed' && word !== undefined ? REASONS[word] : undefined;
}

/** @param word the status as it was written, in small letters; undefined when it is unknown */
export function renderMetadata(text: string | null, log: ShownLog, word: string | undefined): string {
  const value: unknown = text === null ? null : JSON.parse(text);
  if (text === null || !isObject(value)) return JSON.stringify(missingKeys({}, log, word));
  // Old clients call `progress_percent.toFixed(1)`: it is a finite number whatever another program wrote.
  const { progress_percent: percent = 0, ...rest } = value;
  if (!Number.isFinite(percent)) return JSON.stringify({ ...missingKeys(rest, log, word), ...rest });
  const missing = missingKeys(value, log, word);
  if (Object.keys(missing).length === 0) return text;
  const first = JSON.stringify(missing);
  // The rest stays text: a number that JavaScript cannot hold survives.
  return text === '{}' ? first : `${first.slice(0, -1)}, ${text.slice(1)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What old clients read in every log, as far as the row's own metadata does not have it. */
function missingKeys(value: Record<string, unknown>, log: ShownLog, word: string | undefined) {
  const found = typeof value.patients_found === 'number' ? value.patients_found : 0;
  const known: Record<string, unknown> = {
    progress_percent: 0,
    step: foreignStep(value, log, word),
    patients_loaded: log.records_processed,
    patients_processed: log.records_processed,
    total_patients: found,
    patients_to_store: found,
    patients_deleted: 0,
    timestamp: log.updated_at,
    // A run of ours says what started it; a row without a phase is of another program.
    ...(!Object.hasOwn(value, 'phase') && { trigger: { kind: 'external' } }),
    ...(log.status === 'failed' && log.error_details !== null && failureKeys(log.error_details)),
  };
  return Object.fromEntries(Object.entries(known).filter(([key]) => !Object.hasOwn(value, key)));
}

const failureKeys = (details: string) => ({ error: details, errors: [details] });

function foreignStep(value: Record<string, unknown>, log: ShownLog, word: string | undefined): SyncStep {
  if (log.status === 'completed') return 'completed';
  if (log.status === 'failed') {
    return word === 'cancelled' || value.error_type === 'SYNC_CANCELLED' ? 'cancelled' : 'failed';
  }
  if (value.phase === 'queued') return 'initializing';
  return log.records_processed > 0 ? 'storing_patients' : 'fetching_patients';
}
