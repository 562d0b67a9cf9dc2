/**
 * One batch, one transaction: patients, quarantine, `sync_logs` and the checkpoint commit together or not at all.
 *
 * So what the table says is stored is stored, a replayed batch is harmless, and a count is never doubled. HTTP and
 * nudges stay outside: a transaction is open only for what it has to hold together.
 *
 * The patients of a batch are written while the batch before it is still being committed: that is most of the work, and
 * nothing of it counts before the fence, which comes with the counts, in the order of batches.
 */
import type { Database, Tx } from '../database/open.ts';
import type { Sealer } from '../organizations/sealing.ts';
import type { Patient } from '../patients/patient.ts';
import {
  quarantineRecords,
  type RejectedRecord,
  refusedByDatabase,
  releaseFromQuarantine,
} from '../patients/quarantine.ts';
import { isRefusedData, mayBeOnePatient, upsertAcceptable, upsertPatients } from '../patients/store.ts';
import { keepForecast } from './forecast.ts';
import { assertLease, guardTransaction, type Lease, saveCheckpoint } from './lease.ts';
import { type Display, runningMetadata } from './metadata.ts';
import type { PreparedBatch } from './prepare.ts';
import { writeProgress } from './record.ts';
import { type BatchCounts, type RunState, storedBatch } from './run-state.ts';

export interface BatchTools {
  database: Database;
  sealer: Sealer;
  lease: Lease;
  /** Ids that this run has counted already. Grows when a batch has committed. */
  seen: Set<string>;
  /** Where the run is once all batches before this one have committed. Awaited inside the transaction. */
  turn: Promise<Turn>;
  /** Called when the patients are written: the next batch may write its own. */
  onWritten: () => void;
}

export interface Turn {
  state: RunState;
  display: Display;
}

/** A batch that fails this often is taken apart, to find the patient it fails on. */
const TRIES = 3;

/**
 * @returns the state after the commit
 * @throws LeaseLostError, PostgresError; nothing was written
 */
export async function storeBatch(tools: BatchTools, batch: PreparedBatch): Promise<RunState> {
  for (let tries = 1; ; tries++) {
    try {
      return await commitBatch(tools, batch, upsertAll);
    } catch (error) {
      if (!mayBeOnePatient(error)) throw error;
      // A refusal of the data stays one. Of anything else nobody knows.
      if (isRefusedData(error) || tries >= TRIES) break;
    }
  }
  // Rare, so only now: savepoints around halves, down to the patient that Postgres refuses.
  return await commitBatch(tools, batch, upsertAcceptable);
}

type Upsert = typeof upsertAcceptable;

const upsertAll: Upsert = async (tx, organizationId, patients) => ({
  ...(await upsertPatients(tx, organizationId, patients)),
  refused: [],
});

async function commitBatch(tools: BatchTools, batch: PreparedBatch, upsert: Upsert): Promise<RunState> {
  const { lease, seen } = tools;
  const result = await tools.database.sql.begin(async (tx) => {
    const [written] = await Promise.all([
      upsert(tx, lease.organizationId, batch.patients),
      // Who writes nobody locks nothing, and need not be guarded before the fence.
      batch.patients.length > 0 ? guardTransaction(tx) : undefined,
    ]);
    tools.onWritten();
    const { state, display } = await tools.turn;
    const outcome = outcomeOf(batch, written);
    const fresh = [...outcome.stored, ...outcome.rejected.map((one) => one.recordKey)].filter(
      (id) => !seen.has(id),
    );
    const stored = storedBatch(state, countBatch(batch, outcome, new Set(fresh)));
    const next = { ...stored, forecasts: keepForecast(stored, display.outlook) };
    await writeAround(tx, tools, { state: next, display }, outcome, fresh);
    return { next, fresh };
  });
  for (const id of result.fresh) seen.add(id);
  return result.next;
}

/** What commits together with the patients. */
async function writeAround(
  tx: Tx,
  { sealer, lease }: BatchTools,
  { state: next, display }: Turn,
  outcome: Outcome,
  fresh: readonly string[],
): Promise<void> {
  await Promise.all([
    // The fence is the first statement; all answers come back together.
    assertLease(tx, lease),
    quarantineRecords(tx, sealer, lease.organizationId, outcome.rejected),
    releaseFromQuarantine(tx, lease.organizationId, outcome.stored),
    tx`insert into sync_seen (sync_log_id, cliniko_patient_ids) values (${lease.syncLogId}, ${fresh as string[]})`,
    writeProgress(tx, lease, next, runningMetadata(next, display)),
    saveCheckpoint(tx, lease, next),
  ]);
}

interface Outcome {
  /** Those of the batch's patients that Postgres took. */
  accepted: Patient[];
  inserted: string[];
  updated: string[];
  /** Ids of everybody who is stored now, unchanged ones included. */
  stored: string[];
  rejected: RejectedRecord[];
}

function outcomeOf(
  batch: PreparedBatch,
  { inserted, updated, refused }: Awaited<ReturnType<Upsert>>,
): Outcome {
  const outs = new Set(refused);
  const accepted = batch.patients.filter((patient) => !outs.has(patient));
  const stored = [
    ...batch.unchanged.map((version) => version.cliniko_patient_id),
    ...accepted.map((patient) => patient.clinikoPatientId),
  ];
  const rejected = [...batch.rejected, ...refused.map(refusedByDatabase)];
  return { accepted, inserted, updated, stored, rejected };
}

/**
 * A patient counts once a run, as what it was when it was first seen: inserted + updated + unchanged are the successes.
 *
 * @param fresh those whom no batch of this run has counted yet
 */
function countBatch(batch: PreparedBatch, outcome: Outcome, fresh: Set<string>): BatchCounts {
  const accepted = outcome.accepted.filter((patient) => fresh.has(patient.clinikoPatientId));
  const unchanged = batch.unchanged.filter((version) => fresh.has(version.cliniko_patient_id));
  const failed = outcome.rejected.filter((record) => fresh.has(record.recordKey));
  const succeeded = accepted.length + unchanged.length;
  const inserted = outcome.inserted.filter((id) => fresh.has(id)).length;
  const updated = outcome.updated.filter((id) => fresh.has(id)).length;
  return {
    records: batch.records,
    endsPage: batch.endsPage,
    succeeded,
    inserted,
    updated,
    // Who was newer here already was left as he was, too.
    unchanged: succeeded - inserted - updated,
    archived:
      accepted.filter((patient) => patient.archivedAt !== null).length +
      unchanged.filter((version) => version.is_archived).length,
    warnings: [...accepted, ...unchanged].reduce((sum, { warnings }) => sum + warnings, 0),
    nameless: failed.filter((record) => record.clinikoPatientId === null).length,
    errors: failed.map((record) => `Patient ID ${record.clinikoPatientId ?? 'unknown'}: ${record.words}`),
  };
}
