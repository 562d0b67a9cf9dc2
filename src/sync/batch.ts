/**
 * One batch, one transaction: patients, quarantine, `sync_logs` and the checkpoint commit together or not at all.
 *
 * So what the table says is stored is stored, a replayed batch is harmless, and a count is never doubled. HTTP and
 * nudges stay outside: a transaction is open only for what it has to hold together.
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
import { assertLease, type Lease, saveCheckpoint } from './lease.ts';
import type { PreparedBatch } from './prepare.ts';
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

/** A batch that fails this often is taken apart, to find the patient it fails on. */
const TRIES = 3;

/**
 * @returns the state after the commit
 * @throws LeaseLostError, PostgresError; nothing was written
 */
export async function storeBatch(
  tools: BatchTools,
  state: RunState,
  batch: PreparedBatch,
): Promise<RunState> {
  for (let tries = 1; ; tries++) {
    try {
      return await commitBatch(tools, state, batch, upsertAll);
    } catch (error) {
      if (!mayBeOnePatient(error)) throw error;
      // A refusal of the data stays one. Of anything else nobody knows.
      if (isRefusedData(error) || tries >= TRIES) break;
    }
  }
  // Rare, so only now: savepoints around halves, down to the patient that Postgres refuses.
  return await commitBatch(tools, state, batch, upsertAcceptable);
}

type Upsert = typeof upsertAcceptable;

const upsertAll: Upsert = async (tx, organizationId, patients) => ({
  ...(await upsertPatients(tx, organizationId, patients)),
  refused: [],
});

async function commitBatch(
  tools: BatchTools,
  state: RunState,
  batch: PreparedBatch,
  upsert: Upsert,
): Promise<RunState> {
  const { lease, seen } = tools;
  const result = await tools.database.sql.begin(async (tx) => {
    // The fence is the first statement; its answer and the next one's come back together.
    const [, written] = await Promise.all([
      assertLease(tx, lease),
      upsert(tx, lease.organizationId, batch.patients),
    ]);
    const outcome = outcomeOf(batch, written);
    const fresh = [...outcome.stored, ...outcome.rejected.map((one) => one.recordKey)].filter(
      (id) => !seen.has(id),
    );
    const stored = storedBatch(state, countBatch(batch, outcome, new Set(fresh)));
    const next = { ...stored, forecasts: keepForecast(stored, tools.display.outlook) };
    await writeAround(tx, tools, next, outcome, fresh);
    return { next, fresh };
  });
  for (const id of result.fresh) seen.add(id);
  return result.next;
}

/** What commits together with the patients. */
async function writeAround(
  tx: Tx,
  { sealer, lease, display }: BatchTools,
  next: RunState,
  outcome: Outcome,
  fresh: readonly string[],
): Promise<void> {
  await Promise.all([
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
    errors: failed.map((record) => `Patient ID ${record.clinikoPatientId ?? 'unknown'}: ${record.words}`),
  };
}
