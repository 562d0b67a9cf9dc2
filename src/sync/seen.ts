/** The ids that a run has counted, so that a patient counts once also when a run is resumed. */
import type { Database } from '../database/open.ts';
import { IdSet } from './write/seen-ids.ts';

const READ_AT_ONCE = 100;

export async function readSeen({ sql }: Database, syncLogId: number): Promise<IdSet> {
  const seen = new IdSet();
  const rows = sql<{ cliniko_patient_ids: string[] }[]>`
    select cliniko_patient_ids from sync_seen where sync_log_id = ${syncLogId}`;
  await rows.cursor(READ_AT_ONCE, (batches) => {
    for (const { cliniko_patient_ids } of batches) for (const id of cliniko_patient_ids) seen.add(id);
  });
  return seen;
}
