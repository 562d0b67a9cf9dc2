/**
 * The lines with a patient id ("Patient ID 12345: Invalid phone number format"), in checkpoints of runs, `sync_logs`, events,
 * and the answers to starts that are kept for their `Idempotency-Key` (access/idempotency.ts). A program that names patients in the
 * reason of a failed run, `error_details` or `metadata.error`, does so in any form, so such a reason is replaced as a whole.
 *
 * All rows are locked before any is written: a write to `sync_logs` locks the stream of the organization, which comes after
 * all rows of runs in the lock order (docs/guides/architecture.md).
 */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';
import { portions } from '../database/portions.ts';

const REASON_ERASED = 'The reason named a patient who was erased, so it was not kept.';

/** The JSON of each of these rows is parsed and written. */
const LOGS_AT_ONCE = 500;
const EVENTS_AT_ONCE = 2_000;

/** Rows of an organization that contain a patient id, as ids of runs. */
export interface NamingRows {
  runs: number[];
  logs: number[];
}

/** @param patientIds Cliniko ids; null: all of them */
export async function lockNamingRows(
  tx: ISql,
  organizationId: number,
  patientIds: readonly string[] | null,
): Promise<NamingRows> {
  const erased = { organizationId, patientIds };
  // The open run is always locked: its lease is revoked, or it is ended.
  const runs = await tx<{ id: number }[]>`
    select sync_log_id as id from sync_runs
    where organization_id = ${organizationId} and (ended_at is null or checkpoint -> 'errors' <> '[]')
    order by sync_log_id for update`;
  const candidates = await tx<{ id: number }[]>`
    select id from sync_logs
    where organization_id = ${organizationId}
      and (status = 'running' or metadata -> 'errors' <> '[]' or error_details is not null or metadata ? 'error')
    order by id`;
  const logs: number[] = [];
  for (const portion of portions(candidates, LOGS_AT_ONCE)) {
    const locked = await tx<{ id: number }[]>`
      select id from sync_logs
      where id = any(${portion.map((row) => row.id)}::int[])
        and (status = 'running' or ${names(tx, inMetadata(tx), erased)}
          or ${namesPatient(tx, tx`error_details`, erased)} or ${namesPatient(tx, tx`metadata ->> 'error'`, erased)})
      order by id for update`;
    logs.push(...locked.map((row) => row.id));
  }
  return { runs: runs.map((row) => row.id), logs };
}

/**
 * Call it before the patients are deleted.
 *
 * @param rows locked in this transaction
 */
export async function erasePatientLines(
  tx: ISql,
  organizationId: number,
  rows: NamingRows,
  patientIds: readonly string[] | null,
): Promise<void> {
  const erased = { organizationId, patientIds };
  for (const portion of portions(rows.runs, LOGS_AT_ONCE)) {
    await tx`
      update sync_runs set checkpoint = jsonb_set(checkpoint, '{errors}', ${without(tx, inCheckpoint(tx), erased)})
      where sync_log_id = any(${portion}::int[]) and ${names(tx, inCheckpoint(tx), erased)}`;
  }
  for (const portion of portions(rows.logs, LOGS_AT_ONCE)) {
    await tx`
      update sync_logs set metadata = jsonb_set(metadata, '{errors}', ${without(tx, inMetadata(tx), erased)})
      where id = any(${portion}::int[]) and ${names(tx, inMetadata(tx), erased)}`;
    await tx`
      update sync_logs set error_details = ${REASON_ERASED}
      where id = any(${portion}::int[]) and ${namesPatient(tx, tx`error_details`, erased)}`;
    await tx`
      update sync_logs set metadata = jsonb_set(metadata, '{error}', to_jsonb(${REASON_ERASED}::text))
      where id = any(${portion}::int[]) and ${namesPatient(tx, tx`metadata ->> 'error'`, erased)}`;
  }
  await eraseFromEvents(tx, erased);
  await eraseFromAnswers(tx, erased);
}

async function eraseFromEvents(tx: ISql, erased: Erased): Promise<void> {
  const { organizationId } = erased;
  const [range] = await tx<{ first: string | null; last: string | null }[]>`
    select min(seq) as first, max(seq) as last from sync_events where organization_id = ${organizationId}`;
  const last = Number(range?.last ?? -1);
  for (let from = Number(range?.first ?? 0); from <= last; from += EVENTS_AT_ONCE) {
    await tx`
      update sync_events set row = jsonb_set(row, '{metadata,errors}', ${without(tx, inEvent(tx), erased)})
      where organization_id = ${organizationId} and seq >= ${from} and seq < ${from + EVENTS_AT_ONCE}
        and ${names(tx, inEvent(tx), erased)}`;
    for (const path of [['error_details'], ['metadata', 'error']]) {
      await tx`
        update sync_events set row = jsonb_set(row, ${path}::text[], to_jsonb(${REASON_ERASED}::text))
        where organization_id = ${organizationId} and seq >= ${from} and seq < ${from + EVENTS_AT_ONCE}
          and ${namesPatient(tx, tx`(row #>> ${path}::text[])`, erased)}`;
    }
  }
}

async function eraseFromAnswers(tx: ISql, erased: Erased): Promise<void> {
  const { organizationId, patientIds } = erased;
  // The order of a CASE is fixed: only an answer to a start is parsed.
  const isOfOrganization = tx`
    case when status = 200 and body ~ ${`"organization_id": ?${organizationId}[,}]`}
      then body::jsonb ->> 'organization_id' = ${String(organizationId)} else false end`;
  if (patientIds === null) {
    // A later clinic with this id would be told that it had started a run, and would not be synced.
    await tx`delete from idempotency_keys where ${isOfOrganization}`;
    return;
  }
  await tx`
    update idempotency_keys
    set body = jsonb_set(body::jsonb, '{log,metadata,errors}', ${without(tx, inAnswer(tx), erased)})::text
    where case when ${isOfOrganization} then ${names(tx, inAnswer(tx), erased)} else false end`;
}

interface Erased {
  organizationId: number;
  /** Cliniko ids; null: all of them. */
  patientIds: readonly string[] | null;
}

const namesPatient = (tx: ISql, words: Fragment, { organizationId, patientIds }: Erased) => {
  const ids = patientIds && JSON.stringify(Object.fromEntries(patientIds.map((id) => [id, true])));
  // In a subquery it is parsed once, not for each row.
  return tx`(${words} is not null and names_patient(${words}, ${organizationId}, (select ${ids}::text::jsonb)))`;
};

/** Lines of one table: where they are, and the reason of a failed run, which is among them and stays unless it names a patient. */
interface Lines {
  lines: Fragment;
  reason: Fragment;
}

const without = (tx: ISql, { lines, reason }: Lines, erased: Erased) => {
  const { patientIds } = erased;
  const cleared = tx`without_patient_lines(${lines}, ${patientIds as string[] | null}::text[])`;
  if (patientIds !== null) return cleared;
  return tx`case when ${lines} @> jsonb_build_array(${reason}) and ${reason} is not null
      and not ${namesPatient(tx, reason, erased)}
    then jsonb_build_array(${reason}) else ${cleared} end`;
};

const names = (tx: ISql, where: Lines, erased: Erased) => tx`${where.lines} <> ${without(tx, where, erased)}`;

const inCheckpoint = (tx: ISql): Lines => ({ lines: tx`checkpoint -> 'errors'`, reason: tx`null::text` });
const inMetadata = (tx: ISql): Lines => ({ lines: tx`metadata -> 'errors'`, reason: tx`error_details` });
const inEvent = (tx: ISql): Lines => ({
  lines: tx`row #> '{metadata,errors}'`,
  reason: tx`(row ->> 'error_details')`,
});
const inAnswer = (tx: ISql): Lines => ({
  lines: tx`body::jsonb #> '{log,metadata,errors}'`,
  reason: tx`(body::jsonb #>> '{log,error_details}')`,
});
