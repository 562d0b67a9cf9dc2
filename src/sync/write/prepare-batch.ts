/**
 * Prepares a batch for storing: which patients are unchanged, which to write, and which cannot be stored.
 *
 * Most patients of a clinic are stored and unchanged. So only records whose hash differs from the stored one are parsed,
 * before the transaction and while an earlier batch is being committed. The conditions of the upsert guard the later write.
 */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import {
  type IdentifiedRecord,
  identifyRecord,
  type ParseRules,
  parseIdentified,
} from '../../patients/parse-patient.ts';
import type { Patient } from '../../patients/patient.ts';
import type { RejectedRecord } from '../../patients/quarantine.ts';
import {
  type EncodedPatients,
  encodePatients,
  type StoredVersion,
  type StoredVersions,
} from '../../patients/upsert.ts';
import type { CrawlPosition } from '../read/crawl-position.ts';

export interface BatchRecords {
  records: readonly ClinikoRecord[];
  newKeys: readonly string[];
  position: CrawlPosition;
}

export interface PreparedBatch {
  /** Number of records in the batch. */
  records: number;
  /** Keys of the records that the run reads for the first time. */
  newKeys: ReadonlySet<string>;
  /** The position of the run once the batch is stored. */
  position: CrawlPosition;
  /** Already stored and not changed. */
  unchanged: StoredVersion[];
  /** New, or different from the stored version. */
  patients: Patient[];
  /** The same patients. Encoded in advance, because PostgreSQL is idle when it waits for the statement. */
  encoded: EncodedPatients;
  rejected: RejectedRecord[];
  /** Time spent on parsing and encoding the records. */
  processingMs: number;
}

/** For so long parsing blocks the event loop; encoding the batch does not yield. */
const YIELD_AFTER_MS = 0.5;

/** @param batch consecutive records of one page, at most 50 */
export async function prepareBatch(
  { records, newKeys, position }: BatchRecords,
  rules: ParseRules,
  stored: StoredVersions,
): Promise<PreparedBatch> {
  const effort = createWorkTimer();
  const identified: IdentifiedRecord[] = [];
  for (const record of records) {
    identified.push(identifyRecord(record, rules));
    if (effort.isDue()) await effort.rest();
  }
  const batch: PreparedBatch = {
    records: records.length,
    newKeys: new Set(newKeys),
    position,
    unchanged: [],
    patients: [],
    encoded: encodePatients([]),
    rejected: [],
    processingMs: 0,
  };
  for (const record of withoutRepeats(identified)) {
    sortInto(batch, record, stored.get(record.recordKey), rules);
    if (effort.isDue()) await effort.rest();
  }
  batch.encoded = encodePatients(batch.patients);
  batch.processingMs = effort.pause();
  return batch;
}

/**
 * Parsing a batch takes milliseconds and blocks the event loop, so a response of the database would not be processed. So the
 * work yields to the event loop regularly.
 */
function createWorkTimer() {
  let since = performance.now();
  let totalMs = 0;
  const pause = (): number => {
    totalMs += performance.now() - since;
    return totalMs;
  };
  return {
    pause,
    /** Asked first, so that a record costs a promise only when a rest is due. */
    isDue: () => performance.now() - since >= YIELD_AFTER_MS,
    async rest(): Promise<void> {
      pause();
      await new Promise(setImmediate);
      since = performance.now();
    },
  };
}

function sortInto(
  batch: PreparedBatch,
  record: IdentifiedRecord,
  version: StoredVersion | undefined,
  rules: ParseRules,
): void {
  if (version?.content_hash === record.contentHash && !version.is_missing) {
    batch.unchanged.push(version);
    return;
  }
  const read = parseIdentified(record, rules);
  if (read.kind === 'patient') batch.patients.push(read.patient);
  else batch.rejected.push(read.rejected);
}

/** If a page shifted, it may contain a patient twice: the newer version is kept. */
function withoutRepeats(records: readonly IdentifiedRecord[]): IdentifiedRecord[] {
  const byKey = new Map<string, IdentifiedRecord>();
  for (const record of records) {
    const other = byKey.get(record.recordKey);
    if (other === undefined || updatedAt(other) <= updatedAt(record)) byKey.set(record.recordKey, record);
  }
  return [...byKey.values()];
}

function updatedAt({ record }: IdentifiedRecord): string {
  return record.timeOf('updated_at') ?? '';
}
