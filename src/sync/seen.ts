/** The ids that a run has counted, so that a patient counts once also when a run is resumed. */
import type { Database } from '../database/open.ts';

export async function readSeen({ sql }: Database, syncLogId: number): Promise<Set<string>> {
  const rows = await sql<{ cliniko_patient_ids: string[] }[]>`
    select cliniko_patient_ids from sync_seen where sync_log_id = ${syncLogId}`;
  return new Set(rows.flatMap((row) => row.cliniko_patient_ids));
}
