/**
 * Renders the metadata of a sync log, for the poll and the streams alike. The keys of the row pass through unchanged. Keys
 * that clients rely on and another program omitted are filled in. The table is not changed.
 */
import type { SyncLog, SyncStep } from '#contract/sync-log.ts';

export const SOURCE_SYSTEM = 'cliniko';

/** A sync log without its metadata. */
export type ShownLog = Omit<SyncLog, 'metadata'>;

const NO_REASON = 'The program that ran the sync gave no reason.';

const REASONS: Readonly<Record<string, string>> = {
  timeout: 'The sync timed out.',
  cancelled: 'The sync was cancelled.',
  error: NO_REASON,
  failed: NO_REASON,
};

/**
 * @param log without its own reason; `word` and `metadata` as in `renderMetadata`
 * @returns the reason for a failed run of another program, which may have written it into `metadata` only; undefined for a run that
 *   has not failed
 */
export function foreignReason(
  { status, word }: { status: SyncLog['status']; word?: string | undefined },
  metadata: string | null,
): string | undefined {
  if (status !== 'failed' || word === undefined) return undefined;
  const value: unknown = metadata === null ? null : JSON.parse(metadata);
  const given = isObject(value) && typeof value.error === 'string' ? value.error.trim() : '';
  return given === '' ? REASONS[word] : given;
}

/** @param word the stored status in lower case; undefined when unknown */
export function renderMetadata(text: string | null, log: ShownLog, word: string | undefined): string {
  const value: unknown = text === null ? null : JSON.parse(text);
  if (text === null || !isObject(value)) return JSON.stringify(missingKeys({}, log, word));
  // Old clients call `progress_percent.toFixed(1)`, so it must be a finite number.
  const { progress_percent: percent = 0, ...rest } = value;
  const isUsable = Number.isFinite(percent);
  const missing = missingKeys(isUsable ? value : rest, log, word);
  const kept = isUsable ? text : withoutKey(text, 'progress_percent');
  if (Object.keys(missing).length === 0) return kept;
  const first = JSON.stringify(missing);
  // The rest stays text, which keeps numbers that JavaScript cannot represent.
  return kept === '{}' ? first : `${first.slice(0, -1)}, ${kept.slice(1)}`;
}

/** @param text a JSON object; @param key without characters that JSON escapes */
function withoutKey(text: string, key: string): string {
  const kept = membersOf(text).filter((member) => !member.startsWith(`"${key}"`));
  return kept.length === 0 ? '{}' : `{${kept.join(', ')}}`;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** The members of a JSON object: each with its name and its value, as they are written. */
function membersOf(text: string): string[] {
  const members: string[] = [];
  let depth = 0;
  let start = text.indexOf('{') + 1;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && (token === ',' || token === '}')) {
      members.push(text.slice(start, index).trim());
      start = index + 1;
    }
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
  }
  return members.filter((member) => member !== '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The keys that old clients read in every log and the row's metadata lacks. */
function missingKeys(value: Record<string, unknown>, log: ShownLog, word: string | undefined) {
  const found = Number.isFinite(value.patients_found) ? value.patients_found : 0;
  const known: Record<string, unknown> = {
    progress_percent: 0,
    step: foreignStep(value, log, word),
    patients_loaded: log.records_processed,
    patients_processed: log.records_processed,
    total_patients: found,
    patients_to_store: found,
    patients_deleted: 0,
    timestamp: log.updated_at,
    // Our runs store their trigger; a row without a phase comes from another program.
    ...(!Object.hasOwn(value, 'phase') && { trigger: { kind: 'external' } }),
    ...(log.status === 'failed' && log.error_details !== null && failureKeys(log.error_details)),
    // Clients tell a cancelled run from a failed one by it.
    ...(word === 'cancelled' && { error_type: 'SYNC_CANCELLED' }),
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
