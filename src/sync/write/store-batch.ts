/**
 * One batch, one transaction: patients, quarantine, `sync_logs` and the checkpoint commit together or not at all.
 *
 * So the counts in the table are true, a replayed batch is harmless, and no patient counts twice. HTTP requests and nudges
 * stay outside: a transaction contains only what has to be atomic.
 *
 * The patients of a batch are written while the batch before it is still being committed. That is most of the work. It does
 * not count before the fence, which is written with the counts, in the order of the batches.
 */
import type { ISql } from 'postgres';
import type { Database, Tx } from '../../database/open.ts';
import { isLockConflict } from '../../database/retry-transaction.ts';
import { sendCommit } from '../../database/send-commit.ts';
import type { Sealer } from '../../encryption/sealer.ts';
import { OrganizationDeletedError, sharedOrganization } from '../../organizations/organization-lock.ts';
import { markPresent } from '../../patients/missing-patients.ts';
import type { Patient } from '../../patients/patient.ts';
import { quarantineRecords, type RejectedRecord, rejectedByDatabase } from '../../patients/quarantine.ts';
import {
  isDataError,
  mayBeOneRecord,
  upsertIsolatingFailures,
  upsertPatients,
  type WrittenPatients,
} from '../../patients/upsert.ts';
import { type Lease, runSettings } from '../lease.ts';
import { type Display, runningMetadata } from '../metadata.ts';
import { recordForecast, recordMark } from '../remaining-time.ts';
import { type BatchCounts, hasMoved, type RunState, storedBatch } from '../run-state.ts';
import { isRefused, recordBatch, throwFenced } from '../sync-log-row.ts';
import type { PreparedBatch } from './prepare-batch.ts';

export interface BatchDeps {
  database: Database;
  sealer: Sealer;
  lease: Lease;
  /** The state in which this worker claimed the run. */
  claimedState: RunState;
  /** The state of the run once all earlier batches have committed. Rejects with the failure of an earlier batch. */
  base: Promise<BaseState>;
  /** Called when the patients are written: the next batch may write its patients. */
  onWritten: () => void;
}

export interface BaseState {
  state: RunState;
  display: Display;
}

/** A batch that fails this often is divided, to find the patient that makes it fail. */
const TRIES = 3;

/**
 * @returns the state after the commit
 * @throws LeaseLostError, PostgresError: nothing was written. After a lost connection it is unknown whether the batch was
 *   written; the lease decides
 */
export async function storeBatch(deps: BatchDeps, batch: PreparedBatch): Promise<RunState> {
  let isFirstToFail = true;
  deps.base.catch(() => {
    isFirstToFail = false;
  });
  for (let tries = 1; ; tries++) {
    try {
      return await commitBatch(deps, batch, upsertAll);
    } catch (error) {
      if (!isFirstToFail) throw error;
      const next = afterFailure(error, tries);
      if (next === 'fail') throw error;
      if (next === 'divide') break;
    }
  }
  // Rare, so only as a last resort: savepoints around halves, down to the patient that Postgres rejects.
  return await commitBatch(deps, batch, upsertDivided);
}

function afterFailure(error: unknown, tries: number): 'repeat' | 'divide' | 'fail' {
  const isLast = tries >= TRIES;
  if (isLockConflict(error)) return isLast ? 'fail' : 'repeat';
  if (!mayBeOneRecord(error)) return 'fail';
  // A data error is permanent. Any other error may be temporary.
  return isDataError(error) || isLast ? 'divide' : 'repeat';
}

type Upsert = (
  tx: Tx,
  organizationId: number,
  batch: PreparedBatch,
) => Promise<WrittenPatients & { refused: Patient[] }>;

const upsertAll: Upsert = async (tx, organizationId, { encoded }) => ({
  ...(await upsertPatients(tx, organizationId, encoded)),
  refused: [],
});

const upsertDivided: Upsert = (tx, organizationId, { patients }) =>
  upsertIsolatingFailures(tx, organizationId, patients);

async function commitBatch(deps: BatchDeps, batch: PreparedBatch, upsert: Upsert): Promise<RunState> {
  const { sql } = deps.database;
  // Most batches of a known clinic write only their record. This is one statement, which needs no transaction.
  const isRecordOnly = batch.patients.length === 0 && batch.rejected.length === 0;
  try {
    return isRecordOnly
      ? await finishBatch(sql, deps, batch, NOTHING_WRITTEN)
      : await sql.begin((tx) => writeBatch(tx, deps, batch, upsert));
  } catch (error) {
    if (isRefused(error)) await throwFenced(sql, deps.lease);
    throw error;
  }
}

/** Two round trips: BEGIN and the patients, then the record and COMMIT. */
async function writeBatch(tx: Tx, deps: BatchDeps, batch: PreparedBatch, upsert: Upsert): Promise<RunState> {
  const { organizationId } = deps.lease;
  // `execute` sends this statement first: its lock comes first in the lock order.
  const sharing =
    tx`select ${runSettings(tx, deps.lease)} ${sharedOrganization(tx, organizationId)}`.execute();
  const [organizations, written] = await Promise.all([sharing, upsert(tx, organizationId, batch)]);
  if (organizations.length === 0) throw new OrganizationDeletedError(organizationId);
  // After the upsert, which may roll back to a savepoint. Mostly no record is rejected, and this sends nothing.
  await markPresent(tx, organizationId, [...batch.rejected, ...written.refused].map(idOf));
  return await finishBatch(tx, deps, batch, written, () => sendCommit(tx));
}

const idOf = ({ clinikoPatientId }: RejectedRecord | Patient) => clinikoPatientId;

type Written = Awaited<ReturnType<Upsert>>;

const NOTHING_WRITTEN: Written = { inserted: [], updated: [], refused: [] };

/**
 * Writes what commits together with the patients, once all earlier batches have committed.
 *
 * @param commit sends the COMMIT of the transaction
 */
async function finishBatch(
  tx: ISql,
  { sealer, lease, claimedState, base, onWritten }: BatchDeps,
  batch: PreparedBatch,
  written: Written,
  commit: () => Promise<void> = async () => {},
): Promise<RunState> {
  onWritten();
  const { state, display } = await base;
  const outcome = outcomeOf(batch, written);
  const { stored, rejected } = outcome;
  const counted = storedBatch(state, countBatch(batch, outcome), batch.position);
  const forecasts = recordForecast(counted, display.remainingTime);
  const next = { ...counted, forecasts, marks: recordMark(counted) };
  const record = {
    before: state,
    state: next,
    metadata: runningMetadata(next, display),
    moved: hasMoved(claimedState, next),
    newKeys: [...batch.newKeys],
    stored,
    rejected,
  };
  // Rejected records follow the record, which releases others from quarantine. Their COMMIT waits for both, which is rare.
  const recorded = recordBatch(tx, lease, record);
  const isNew = (recordKey: string) => batch.newKeys.has(recordKey);
  const quarantined = quarantineRecords(tx, sealer, lease.organizationId, rejected, isNew);
  await (rejected.length > 0 ? Promise.all([recorded, quarantined]) : Promise.all([recorded, commit()]));
  return next;
}

interface Outcome {
  /** The patients that Postgres accepted. */
  accepted: Patient[];
  inserted: string[];
  updated: string[];
  /** Ids of all patients stored now, including unchanged ones. */
  stored: string[];
  rejected: RejectedRecord[];
}

function outcomeOf(batch: PreparedBatch, { inserted, updated, refused }: Written): Outcome {
  const outs = new Set(refused);
  const accepted = batch.patients.filter((patient) => !outs.has(patient));
  const stored = [
    ...batch.unchanged.map((version) => version.cliniko_patient_id),
    ...accepted.map((patient) => patient.clinikoPatientId),
  ];
  const rejected = [...batch.rejected, ...refused.map(rejectedByDatabase)];
  return { accepted, inserted, updated, stored, rejected };
}

/** A patient counts once per run, by the result of its first read: inserted + updated + unchanged = succeeded. */
function countBatch(batch: PreparedBatch, outcome: Outcome): BatchCounts {
  const { newKeys } = batch;
  const accepted = outcome.accepted.filter((patient) => newKeys.has(patient.clinikoPatientId));
  const unchanged = batch.unchanged.filter((version) => newKeys.has(version.cliniko_patient_id));
  const failed = outcome.rejected.filter((record) => newKeys.has(record.recordKey));
  const succeeded = accepted.length + unchanged.length;
  const inserted = outcome.inserted.filter((id) => newKeys.has(id)).length;
  const updated = outcome.updated.filter((id) => newKeys.has(id)).length;
  return {
    succeeded,
    inserted,
    updated,
    // A patient whose stored version is the same or newer was not written, so it counts as unchanged.
    unchanged: succeeded - inserted - updated,
    archived:
      accepted.filter((patient) => patient.archivedAt !== null).length +
      unchanged.filter((version) => version.is_archived).length,
    warnings: [...accepted, ...unchanged].reduce((sum, { warnings }) => sum + warnings, 0),
    errors: failed.map((record) => `Patient ID ${record.clinikoPatientId ?? 'unknown'}: ${record.words}`),
  };
}
