/**
 * Asks Cliniko again for patients in quarantine, by id, and stores those that can be stored now.
 *
 * For a record that somebody has mended, or after a policy was loosened: nobody has to wait for the next full sync. A
 * sync may be under way meanwhile: both write whole patients, and the newer version stays.
 */
import type { PatientSource } from '../cliniko/source.ts';
import type { QuarantineRetry } from '../contract/patients.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../organizations/sealing.ts';
import { type ReadingRules, readRecord } from '../patients/from-cliniko.ts';
import type { Patient } from '../patients/patient.ts';
import {
  countQuarantine,
  quarantinedIds,
  quarantineRecords,
  type RejectedRecord,
  refusedByDatabase,
  releaseFromQuarantine,
} from '../patients/quarantine.ts';
import { upsertAcceptable } from '../patients/store.ts';
import { fetchByIds, IDS_AT_ONCE } from './fetch-by-ids.ts';

/** Of one request: those after them come with the next one. */
const RETRIED_AT_MOST = 500;

export interface RetryTools {
  database: Database;
  sealer: Sealer;
  source: PatientSource;
  rules: ReadingRules;
}

/** @throws ClinikoError, or the signal's reason; what was stored before stays */
export async function retryQuarantine(
  tools: RetryTools,
  organizationId: number,
  signal: AbortSignal,
): Promise<QuarantineRetry> {
  const { sql } = tools.database;
  const ids = await quarantinedIds(sql, organizationId, RETRIED_AT_MOST);
  let resolved = 0;
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const asked = ids.slice(from, from + IDS_AT_ONCE);
    const records = await fetchByIds(tools.source, asked, { signal });
    resolved += await storeAgain(tools, organizationId, records);
  }
  return { requested: ids.length, resolved, remaining: await countQuarantine(sql, organizationId) };
}

/** @returns how many are stored now */
async function storeAgain(
  { database, sealer, rules }: RetryTools,
  organizationId: number,
  records: readonly unknown[],
): Promise<number> {
  const patients: Patient[] = [];
  const rejected: RejectedRecord[] = [];
  for (const record of records) {
    const read = readRecord(record, rules);
    if (read.kind === 'patient') patients.push(read.patient);
    else rejected.push(read.rejected);
  }
  return await database.sql.begin(async (tx) => {
    const { refused } = await upsertAcceptable(tx, organizationId, patients);
    await quarantineRecords(tx, sealer, organizationId, [...rejected, ...refused.map(refusedByDatabase)]);
    const outs = new Set(refused);
    const stored = patients
      .filter((patient) => !outs.has(patient))
      .map((patient) => patient.clinikoPatientId);
    await releaseFromQuarantine(tx, organizationId, stored);
    return stored.length;
  });
}
