/**
 * Reads the log of patient changes. Each function runs one statement, so its result is consistent.
 *
 * Only the triggers of `patients` (drizzle/) write the log, so it contains the changes of every program.
 */
import type { ISql } from 'postgres';
import { formatCursor } from '#contract/cursor.ts';
import type { LogRange } from '#contract/lost-cursor.ts';
import { type PatientChange, PatientChangeKind } from '#contract/patient-change.ts';
import { isoTime } from '../database/iso-time.ts';

/** A row of the table contains at most this many changes (drizzle/). */
const CHANGES_PER_ROW = 1_000;

interface RangeRow {
  epoch: string;
  head: string;
  oldest: string;
}

interface ChangeRow extends RangeRow {
  /** Null, like all that follows: no change is selected. */
  seq: string | null;
  at: string | null;
  kind: string | null;
  id: string | null;
  sync_log_id: number | null;
}

interface PatientRow extends RangeRow {
  id: string | null;
  at: string | null;
}

const rangeOf = (sql: ISql, organizationId: number) => sql`(
  select (select sync_epoch()) as epoch, head, coalesce(
    (select seq - cardinality(kinds) + 1 from patient_changes where organization_id = ${organizationId} order by seq limit 1),
    head + 1) as oldest
  from (select coalesce((select head from patient_change_streams where organization_id = ${organizationId}), 0) as head) as stream
)`;

const toRange = ({ epoch, head, oldest }: RangeRow): LogRange => ({
  epoch,
  head: Number(head),
  oldest: Number(oldest),
});

/** @param after null: only the range is read. The changes are correct only when the range contains `after`. */
export async function readChangesAfter(
  sql: ISql,
  organizationId: number,
  after: bigint | null,
  limit: number,
): Promise<{ log: LogRange; changes: PatientChange[] }> {
  const since = after === null ? null : String(after);
  const rows = await sql<ChangeRow[]>`
    select log.*, change.* from ${rangeOf(sql, organizationId)} as log
    left join lateral (
      select seq - cardinality(kinds) + place as seq, ${isoTime(sql, 'at')} as at, kind, id, sync_log_id
      from (
        select * from patient_changes
        where organization_id = ${organizationId} and seq > ${since}::bigint
          and seq < ${since}::bigint + ${limit + CHANGES_PER_ROW}
        order by seq limit ${limit}
      ) as part
      cross join lateral unnest(kinds, cliniko_patient_ids) with ordinality as listed (kind, id, place)
      where seq - cardinality(kinds) + place > ${since}::bigint
      order by 1 limit ${limit}
    ) as change on true
    order by change.seq`;
  const [first] = rows;
  if (first === undefined) throw new Error('The range of a log has one row.');
  const log = toRange(first);
  return { log, changes: rows.flatMap((row) => toChange(row, log.epoch)) };
}

export interface ChangeHeads {
  epoch: string;
  /** WAL bytes flushed to disk. The number only grows, unless the database was restored to an earlier state. */
  flushed: bigint;
  /** `seq` of the newest change of each organization; 0 before the first. */
  heads: ReadonlyMap<number, number>;
}

export async function readChangeHeads(sql: ISql, organizationIds: readonly number[]): Promise<ChangeHeads> {
  const rows = await sql<{ epoch: string; flushed: string; organization_id: number | null; head: string }[]>`
    select always.epoch, always.flushed, stream.organization_id, stream.head
    from (
      select sync_epoch() as epoch, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as flushed
    ) as always
    left join patient_change_streams as stream on organization_id = any(${[...organizationIds]}::int[])`;
  const heads = rows.flatMap(({ organization_id, head }): [number, number][] =>
    organization_id === null ? [] : [[organization_id, Number(head)]],
  );
  const [first] = rows;
  return { epoch: first?.epoch ?? '', flushed: BigInt(first?.flushed ?? 0), heads: new Map(heads) };
}

function toChange({ seq, at, kind, id, sync_log_id }: ChangeRow, epoch: string): PatientChange[] {
  if (seq === null || at === null || id === null) return [];
  const cursor = formatCursor(epoch, Number(seq));
  return [
    {
      seq: Number(seq),
      cursor,
      at,
      kind: PatientChangeKind.parse(kind),
      cliniko_patient_id: id,
      sync_log_id,
    },
  ];
}

/**
 * The stored patients as changes of the kind `created`, ordered by Cliniko id. Every change that the page does not contain has a
 * `seq` after the head of the same answer.
 *
 * @param after the Cliniko id of the last patient of the previous page; empty at the start
 */
export async function readAllAsCreated(
  sql: ISql,
  organizationId: number,
  after: string,
  limit: number,
): Promise<{ log: LogRange; changes: PatientChange[] }> {
  const rows = await sql<PatientRow[]>`
    select log.*, patient.* from ${rangeOf(sql, organizationId)} as log
    left join lateral (
      select cliniko_patient_id as id, ${isoTime(sql, 'changed_at')} as at from patients
      where organization_id = ${organizationId} and cliniko_patient_id > ${after}
      order by cliniko_patient_id limit ${limit}
    ) as patient on true
    order by patient.id`;
  const [first] = rows;
  if (first === undefined) throw new Error('The range of a log has one row.');
  const changes = rows.flatMap(({ id, at }): PatientChange[] =>
    id === null || at === null
      ? []
      : [{ seq: null, cursor: null, at, kind: 'created', cliniko_patient_id: id, sync_log_id: null }],
  );
  return { log: toRange(first), changes };
}
