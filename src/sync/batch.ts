/**
 * One batch, one transaction: patients, quarantine, `sync_logs` and the checkpoint commit together or not at all.
 *
 * So what the table says is stored is stored, a replayed batch is harmless, and a count is never doubled. HTTP and
 * nudges stay outside: a transaction is open only for what it has to hold together.
 */
import type { Database, Tx } from '../database/open.ts';
import type { Sealer } from '../organizations/sealing.ts';
import type { ReadRecord } from '../patients/from-cliniko.ts';
import type { Patient } from '../patients/patient.ts';
import { quarantineRecords, type RejectedRecord, releaseFromQuarantine } from '../patients/quarantine.ts';
import {
  changedPatients,
  isRefusedData,
  readStoredVersions,
  upsertAcceptable,
  upsertPatients,
} from '../patients/store.ts';
import { assertLease, type Lease, saveCheckpoint } from './lease.ts';
import { writeProgress } from './record.ts';
import { type BatchCounts, type Display, type RunState, runningMetadata, storedBatch } from './run-state.ts';

export interface BatchTools {
  database: Database;
  sealer: Sealer;
  lease: Lease;
  display: Display;
  /** Ids that this run has counted already. Grows when a batch has committed. */
  seen: Set<string>;
}

/** Consecutive records of one page, already read (patients/from-cliniko.ts). */
export interface Batch {
  records: readonly ReadRecord[];
  /** Whether they are the last of their page. */
  endsPage: boolean;
}

/**
 * @returns the state after the commit
 * @throws LeaseLostError, PostgresError; nothing was written
 */
export async function storeBatch(tools: BatchTools, state: RunState, batch: Batch): Promise<RunState> {
  const sorted = sortOut(batch.records);
  try {
    return await commitBatch(tools, state, batch, sorted, false);
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    // Rare, so only now: savepoints around halves, down to the patient that Postgres refuses.
    return await commitBatch(tools, state, batch, sorted, true);
  }
}

interface SortedBatch {
  patients: Patient[];
  rejected: RejectedRecord[];
  /** Data-quality warnings by Cliniko id. */
  warnings: Map<string, number>;
}

/** A page that shifted may show a patient twice: the newer version stays. */
function sortOut(records: readonly ReadRecord[]): SortedBatch {
  const patients = new Map<string, Patient>();
  const rejected = new Map<string, RejectedRecord>();
  const warnings = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'rejected') {
      rejected.set(record.rejected.recordKey, record.rejected);
      continue;
    }
    const { patient } = record;
    const other = patients.get(patient.clinikoPatientId);
    if (other !== undefined && (other.updatedAt ?? '') > (patient.updatedAt ?? '')) continue;
    patients.set(patient.clinikoPatientId, patient);
    warnings.set(patient.clinikoPatientId, record.warnings);
  }
  return { patients: [...patients.values()], rejected: [...rejected.values()], warnings };
}

async function commitBatch(
  tools: BatchTools,
  state: RunState,
  batch: Batch,
  sorted: SortedBatch,
  oneByOne: boolean,
): Promise<RunState> {
  const { lease, display, seen } = tools;
  const { organizationId } = lease;
  const ids = sorted.patients.map((patient) => patient.clinikoPatientId);
  // On a connection of its own, while the transaction begins. Nobody else writes this clinic's patients while we hold
  // its lease, and what is written below is guarded by its own conditions.
  const reading = readStoredVersions(tools.database.sql, organizationId, ids);
  reading.catch(() => {}); // Awaited below, unless the transaction cannot even begin.
  const result = await tools.database.sql.begin(async (tx) => {
    // The fence is the first statement; its answer and the next one's come back together.
    const [, { inserted, updated, refused }] = await Promise.all([
      assertLease(tx, lease),
      reading.then((stored) =>
        writePatients(tx, organizationId, changedPatients(sorted.patients, stored), oneByOne),
      ),
    ]);
    const outcome = refuse(sorted, refused);
    const fresh = outcome.ids.filter((id) => !seen.has(id));
    const counts = countBatch(outcome, { inserted, updated }, new Set(fresh));
    const next = storedBatch(state, { ...counts, records: batch.records.length, endsPage: batch.endsPage });
    await Promise.all([
      quarantineRecords(tx, tools.sealer, organizationId, outcome.rejected),
      releaseFromQuarantine(
        tx,
        organizationId,
        outcome.patients.map((patient) => patient.clinikoPatientId),
      ),
      tx`insert into sync_seen (sync_log_id, cliniko_patient_ids) values (${lease.syncLogId}, ${fresh})`,
      writeProgress(tx, lease, next, runningMetadata(next, display)),
      saveCheckpoint(tx, lease, next),
    ]);
    return { next, fresh };
  });
  for (const id of result.fresh) seen.add(id);
  return result.next;
}

async function writePatients(tx: Tx, organizationId: number, patients: Patient[], oneByOne: boolean) {
  if (oneByOne) return upsertAcceptable(tx, organizationId, patients);
  return { ...(await upsertPatients(tx, organizationId, patients)), refused: [] };
}

interface Outcome extends SortedBatch {
  /** Of every record: its Cliniko id, or what stands for it. */
  ids: string[];
}

function refuse(batch: SortedBatch, refused: readonly Patient[]): Outcome {
  const outs = new Set(refused);
  const patients = batch.patients.filter((patient) => !outs.has(patient));
  const rejected = [
    ...batch.rejected,
    ...refused.map(
      (patient): RejectedRecord => ({
        clinikoPatientId: patient.clinikoPatientId,
        recordKey: patient.clinikoPatientId,
        reason: 'REFUSED_BY_DATABASE',
        words: 'The database refused this record',
        raw: patient.raw,
      }),
    ),
  ];
  const ids = [
    ...new Set([
      ...patients.map((patient) => patient.clinikoPatientId),
      ...rejected.map((record) => record.recordKey),
    ]),
  ];
  return { patients, rejected, warnings: batch.warnings, ids };
}

/** @param fresh those that count: no batch of this run has counted them yet */
function countBatch(
  outcome: Outcome,
  written: { inserted: number; updated: number },
  fresh: Set<string>,
): Omit<BatchCounts, 'records' | 'endsPage'> {
  const stored = outcome.patients.filter((patient) => fresh.has(patient.clinikoPatientId));
  const failed = outcome.rejected.filter(
    (record) =>
      fresh.has(record.recordKey) && !stored.some((patient) => patient.clinikoPatientId === record.recordKey),
  );
  const warnings = stored.map((patient) => outcome.warnings.get(patient.clinikoPatientId) ?? 0);
  return {
    succeeded: stored.length,
    inserted: written.inserted,
    updated: written.updated,
    unchanged: Math.max(0, stored.length - written.inserted - written.updated),
    archived: stored.filter((patient) => patient.archivedAt !== null).length,
    warnings: warnings.reduce((sum, one) => sum + one, 0),
    errors: failed.map((record) => `Patient ID ${record.clinikoPatientId ?? 'unknown'}: ${record.words}`),
  };
}
