/** A row of `sync_logs` as a statement returns it, and what clients get of it. */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';
import { isoTime } from '../database/iso-time.ts';
import { renderSyncLog } from './render.ts';

export interface RunRow {
  /** Of `sync_log_row()`: `metadata` and the other columns, each as JSON text. */
  columns: string;
  metadata: string | null;
  /** The last change; null when the history no longer has it. */
  change: [seq: number, at: string] | null;
}

/** Of a join that may have found no row. */
export type RunRowIfAny = RunRow | Record<keyof RunRow, null>;

/** The columns of a `RunRow`, for a statement in which `log` has `id`, `organization_id`, and `row` from `sync_log_row()`. */
export const runColumns = (sql: ISql) => sql`
  (log.row - 'metadata')::text as columns, (log.row -> 'metadata')::text as metadata, ${lastChangeOf(sql)} as change`;

/** The last change of a row, for a statement in which `log` has the row's `id` and `organization_id`. */
export const lastChangeOf = (sql: ISql) =>
  ofLastChange(sql, sql`json_build_array(changed.seq, ${isoTime(sql, 'changed.at')})`);

/** Its time only. The newest change, and not the latest time: a clock that was set back has changes in the future before it. */
export const lastChangeTimeOf = (sql: ISql) => ofLastChange(sql, sql`changed.at`);

const ofLastChange = (sql: ISql, columns: Fragment) => sql`(
  select ${columns}
  from sync_events as changed
  where sync_log_id = log.id and ${eventIsOf(sql, sql`log.organization_id`)} and type <> 'snapshot'
  order by changed.seq desc limit 1)`;

/**
 * Whether an event is of this organization, for a statement that reads some events of one run in their order. Almost all events of a
 * run are, but PostgreSQL takes run and organization for independent and expects a single one. With a plain comparison it reads and
 * sorts all events of the run (thousands for a large clinic), instead of the first ones in the index on run and `seq`.
 */
export const eventIsOf = (sql: ISql, organizationId: Fragment | number) =>
  sql`case when organization_id = ${organizationId} then true end`;

export function renderRun({ columns, metadata, change }: RunRow, epoch: string): string {
  const [seq, at] = change ?? [null, null];
  return renderSyncLog({ columns, metadata }, epoch, { seq, at });
}
