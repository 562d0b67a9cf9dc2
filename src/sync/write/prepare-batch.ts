/**
 * Prepares a batch for being stored: which patients are unchanged, which are to be written, and which cannot be stored.
 *
 * Most of a clinic is stored already as it is. So only records whose hash differs from what is stored are read at all, ahead
 * of the transaction and while an earlier batch is being committed. What is written later is guarded by its own conditions.
 */
import { parseWirePatient } from '../../cliniko/wire.ts';
import {
  type IdentifiedRecord,
  identifyRecord,
  type ParseRules,
  parseIdentified,
} from '../../patients/parse-patient.ts';
import type { Patient } from '../../patients/patient.ts';
import type { RejectedRecord } from '../../patients/quarantine.ts';
import type { StoredVersion, StoredVersions } from '../../patients/upsert.ts';
import type { CrawlPosition } from '../read/crawl-position.ts';

export interface BatchRecords {
  records: readonly unknown[];
  newKeys: readonly string[];
  position: CrawlPosition;
}

export interface PreparedBatch {
  /** Records that it was made of. */
  records: number;
  /** Keys of those that the run has not read before. */
  newKeys: ReadonlySet<string>;
  /** Where the run stands when it is stored. */
  position: CrawlPosition;
  /** Stored already, as they are. */
  unchanged: StoredVersion[];
  /** New, or different from what is stored. */
  patients: Patient[];
  rejected: RejectedRecord[];
  /** Time for reading the records. */
  processingMs: number;
}

/** The longest that reading holds up everything else. */
const YIELD_AFTER_MS = 0.5;

/** @param batch consecutive records of one page, at most 100 */
export async function prepareBatch(
  { records, newKeys, position }: BatchRecords,
  rules: ParseRules,
  stored: StoredVersions,
): Promise<PreparedBatch> {
  const effort = createEffort();
  const identified: IdentifiedRecord[] = [];
  for (const record of records) {
    identified.push(identifyRecord(record, rules));
    await effort.maybeYield();
  }
  const batch: PreparedBatch = {
    records: records.length,
    newKeys: new Set(newKeys),
    position,
    unchanged: [],
    patients: [],
    rejected: [],
    processingMs: 0,
  };
  for (const record of withoutRepeats(identified)) {
    sortInto(batch, record, stored.get(record.recordKey), rules);
    await effort.maybeYield();
  }
  batch.processingMs = effort.pause();
  return batch;
}

/**
 * Reading a batch takes milliseconds, in which an answer of the database would not be noticed: it would wait for this process,
 * and then this process for it. So the work yields to the event loop now and then.
 */
function createEffort() {
  let since = performance.now();
  let totalMs = 0;
  const pause = (): number => {
    totalMs += performance.now() - since;
    return totalMs;
  };
  const resume = (): void => {
    since = performance.now();
  };
  return {
    pause,
    resume,
    async maybeYield(): Promise<void> {
      if (performance.now() - since < YIELD_AFTER_MS) return;
      pause();
      await new Promise(setImmediate);
      resume();
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

/** A page that shifted may show a patient twice: the newer version stays. */
function withoutRepeats(records: readonly IdentifiedRecord[]): IdentifiedRecord[] {
  const byKey = new Map<string, IdentifiedRecord>();
  for (const record of records) {
    const other = byKey.get(record.recordKey);
    if (other === undefined || updatedAt(other) <= updatedAt(record)) byKey.set(record.recordKey, record);
  }
  return [...byKey.values()];
}

function updatedAt({ record }: IdentifiedRecord): string {
  const wire = parseWirePatient(record);
  return wire.kind === 'patient' ? (wire.patient.updatedAt ?? '') : '';
}
