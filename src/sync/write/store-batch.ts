/**
 * One batch, one transaction: patients, quarantine, `sync_logs` and the checkpoint commit together or not at all.
 *
 * So what the table says is stored is stored, a replayed batch is harmless, and a count is never doubled. HTTP and
 * nudges stay outside: a transaction is open only for what it has to hold together.
 *
 * The patients of a batch are written while the batch before it is still being committed: that is most of the work, and
 * nothing of it counts before the fence, which comes with the counts, in the order of batches.
 */
import type { ISql } from 'postgres';
import type { Database } from '../../database/open.ts';
import { isLockConflict } from '../../database/replay.ts';
import type { Sealer } from '../../encryption/sealer.ts';
import { OrganizationDeletedError, sharedOrganization } from '../../organizations/organization-lock.ts';
import type { Patient } from '../../patients/patient.ts';
import { quarantineRecords, type RejectedRecord, rejectedByDatabase } from '../../patients/quarantine.ts';
import {
  isDataError,
  mayBeOneRecord,
  upsertIsolatingFailures,
  upsertPatients,
} from '../../patients/upsert.ts';
import { type Lease, settings } from '../lease.ts';
import { type Display, runningMetadata } from '../metadata.ts';
import { keepForecast } from '../remaining-time.ts';
import { type BatchCounts, hasMoved, type RunState, storedBatch } from '../run-state.ts';
import { recordBatch } from '../sync-log-row.ts';
import type { PreparedBatch } from './prepare-batch.ts';

export interface BatchDeps {
  database: Database;
  sealer: Sealer;
  lease: Lease;
  /** The state in which this worker claimed the run. */
  claimedState: RunState;
  /** The state of the run once all batches before this one have committed. Rejects with the failure of the one before. */
  base: Promise<BaseState>;
  /** Called when the patients are written: the next batch may write its own. */
  onWritten: () => void;
}

export interface BaseState {
  state: RunState;
  display: Display;
}

/** A batch that fails this often is taken apart, to find the patient it fails on. */
const TRIES = 3;

/**
 * @returns the state after the commit
 * @throws LeaseLostError, PostgresError; nothing was written
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
  // Rare, so only now: savepoints around halves, down to the patient that Postgres refuses.
  return await commitBatch(deps, batch, upsertIsolatingFailures);
}

function afterFailure(error: unknown, tries: number): 'repeat' | 'divide' | 'fail' {
  const isLast = tries >= TRIES;
  if (isLockConflict(error)) return isLast ? 'fail' : 'repeat';
  if (!mayBeOneRecord(error)) return 'fail';
  // A refusal of the data stays one. Of anything else it is not known.
  return isDataError(error) || isLast ? 'divide' : 'repeat';
}

type Upsert = typeof upsertIsolatingFailures;

const upsertAll: Upsert = async (tx, organizationId, patients) => ({
  ...(await upsertPatients(tx, organizationId, patients)),
  refused: [],
});

async function commitBatch(deps: BatchDeps, batch: PreparedBatch, upsert: Upsert): Promise<RunState> {
  const { sql } = deps.database;
  const { organizationId } = deps.lease;
  // Most batches of a clinic that we know: nothing but their record is written, and one statement commits by itself.
  const isRecordOnly = batch.patients.length === 0 && batch.rejected.length === 0;
  return isRecordOnly
    ? await finishBatch(sql, deps, batch, NOTHING_WRITTEN)
    : await sql.begin(async (tx) => {
        // One packet: the small statement goes before the large one.
        const [organizations, written] = await Promise.all([
          tx`select ${settings(tx)} ${sharedOrganization(tx, organizationId)}`,
          upsert(tx, organizationId, batch.patients),
        ]);
        if (organizations.length === 0) throw new OrganizationDeletedError(organizationId);
        return await finishBatch(tx, deps, batch, written);
      });
}

type Written = Awaited<ReturnType<Upsert>>;

const NOTHING_WRITTEN: Written = { inserted: [], updated: [], refused: [] };

/** What commits together with the patients, when the batches before this one have committed. */
async function finishBatch(
  tx: ISql,
  { sealer, lease, claimedState, base, onWritten }: BatchDeps,
  batch: PreparedBatch,
  written: Written,
): Promise<RunState> {
  onWritten();
  const { state, display } = await base;
  const outcome = outcomeOf(batch, written);
  const { stored, rejected } = outcome;
  const counted = storedBatch(state, countBatch(batch, outcome), batch.position);
  const next = { ...counted, forecasts: keepForecast(counted, display.outlook) };
  await Promise.all([
    // Each of them depends on the fence in the first, or is rolled back with it; all answers come back together.
    recordBatch(tx, lease, {
      state: next,
      metadata: runningMetadata(next, display),
      moved: hasMoved(claimedState, next),
      newKeys: [...batch.newKeys],
      stored,
      rejected,
    }),
    quarantineRecords(tx, sealer, lease.organizationId, rejected),
  ]);
  return next;
}

interface Outcome {
  /** Those of the batch's patients that Postgres took. */
  accepted: Patient[];
  inserted: string[];
  updated: string[];
  /** Ids of all who are stored now, unchanged ones included. */
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

/** A patient counts once a run, as what it was when it was first read: inserted + updated + unchanged are the successes. */
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
    // A patient who was newer here already was left as it was, too.
    unchanged: succeeded - inserted - updated,
    archived:
      accepted.filter((patient) => patient.archivedAt !== null).length +
      unchanged.filter((version) => version.is_archived).length,
    warnings: [...accepted, ...unchanged].reduce((sum, { warnings }) => sum + warnings, 0),
    errors: failed.map((record) => `Patient ID ${record.clinikoPatientId ?? 'unknown'}: ${record.words}`),
  };
}
