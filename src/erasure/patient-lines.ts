/**
 * The lines with a patient id ("Patient ID 12345: Invalid phone number format"), in checkpoints of runs, `sync_logs`, events,
 * and the answers to starts that are kept for their `Idempotency-Key` (access/idempotency.ts).
 *
 * All rows are locked before any is written: a write to `sync_logs` locks the stream of the organization, which comes after
 * all rows of runs in the lock order (docs/guides/architecture.md).
 */
import type { ISql, PendingQuery, Row } from 'postgres';
import { portions } from '../database/portions.ts';

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
  // The open run is always locked: its lease is revoked, or it is ended.
  const runs = await tx<{ id: number }[]>`
    select sync_log_id as id from sync_runs
    where organization_id = ${organizationId} and (ended_at is null or checkpoint -> 'errors' <> '[]')
    order by sync_log_id for update`;
  const candidates = await tx<{ id: number }[]>`
    select id from sync_logs
    where organization_id = ${organizationId} and (status = 'running' or metadata -> 'errors' <> '[]')
    order by id`;
  const logs: number[] = [];
  for (const portion of portions(candidates, LOGS_AT_ONCE)) {
    const locked = await tx<{ id: number }[]>`
      select id from sync_logs
      where id = any(${portion.map((row) => row.id)}::int[])
        and (status = 'running' or ${names(tx, inMetadata(tx), patientIds)})
      order by id for update`;
    logs.push(...locked.map((row) => row.id));
  }
  return { runs: runs.map((row) => row.id), logs };
}

/** @param rows locked in this transaction */
export async function erasePatientLines(
  tx: ISql,
  organizationId: number,
  rows: NamingRows,
  patientIds: readonly string[] | null,
): Promise<void> {
  for (const portion of portions(rows.runs, LOGS_AT_ONCE)) {
    await tx`
      update sync_runs set checkpoint = jsonb_set(checkpoint, '{errors}', ${without(tx, inCheckpoint(tx), patientIds)})
      where sync_log_id = any(${portion}::int[]) and ${names(tx, inCheckpoint(tx), patientIds)}`;
  }
  for (const portion of portions(rows.logs, LOGS_AT_ONCE)) {
    await tx`
      update sync_logs set metadata = jsonb_set(metadata, '{errors}', ${without(tx, inMetadata(tx), patientIds)})
      where id = any(${portion}::int[]) and ${names(tx, inMetadata(tx), patientIds)}`;
  }
  await eraseFromEvents(tx, organizationId, patientIds);
  await eraseFromAnswers(tx, organizationId, patientIds);
}

async function eraseFromEvents(
  tx: ISql,
  organizationId: number,
  patientIds: readonly string[] | null,
): Promise<void> {
  const [range] = await tx<{ first: string | null; last: string | null }[]>`
    select min(seq) as first, max(seq) as last from sync_events where organization_id = ${organizationId}`;
  const last = Number(range?.last ?? -1);
  for (let from = Number(range?.first ?? 0); from <= last; from += EVENTS_AT_ONCE) {
    await tx`
      update sync_events set row = jsonb_set(row, '{metadata,errors}', ${without(tx, inEvent(tx), patientIds)})
      where organization_id = ${organizationId} and seq >= ${from} and seq < ${from + EVENTS_AT_ONCE}
        and ${names(tx, inEvent(tx), patientIds)}`;
  }
}

async function eraseFromAnswers(
  tx: ISql,
  organizationId: number,
  patientIds: readonly string[] | null,
): Promise<void> {
  // The order of a CASE is fixed: an answer of another status may quote a text of the client that is no valid jsonb, and the pattern
  // spares most answers from being parsed.
  await tx`
    update idempotency_keys
    set body = jsonb_set(body::jsonb, '{log,metadata,errors}', ${without(tx, inAnswer(tx), patientIds)})::text
    where case when status = 200 and body ~ ${`"organization_id": ?${organizationId},`}
      then body::jsonb #>> '{log,organization_id}' = ${String(organizationId)} and ${names(tx, inAnswer(tx), patientIds)}
      else false end`;
}

type Fragment = PendingQuery<Row[]>;

/** Lines of one table: where they are, and the reason of a failed run, which is among them and stays. */
interface Lines {
  lines: Fragment;
  reason: Fragment;
}

const without = (tx: ISql, { lines, reason }: Lines, patientIds: readonly string[] | null) => {
  const cleared = tx`without_patient_lines(${lines}, ${patientIds as string[] | null}::text[])`;
  if (patientIds !== null) return cleared;
  return tx`case when ${lines} @> jsonb_build_array(${reason}) and ${reason} is not null
    then jsonb_build_array(${reason}) else ${cleared} end`;
};

const names = (tx: ISql, where: Lines, patientIds: readonly string[] | null) =>
  tx`${where.lines} <> ${without(tx, where, patientIds)}`;

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
