/**
 * Fetches quarantined patients from Cliniko again, by id, and stores those that are valid now.
 *
 * For a record that was corrected, or a policy that was relaxed: no need to wait for the next full sync. A sync may run at
 * the same time: both write whole patients, and the newer version wins.
 */

import type { QuarantineRetry } from '#contract/patients.ts';
import { fetchByIds, IDS_AT_ONCE } from '../cliniko/fetch-by-ids.ts';
import type { ClinikoRecord } from '../cliniko/record.ts';
import type { PatientSource } from '../cliniko/source.ts';
import type { Database, Tx } from '../database/open.ts';
import { retryTransaction } from '../database/retry-transaction.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { shareOrganization } from '../organizations/organization-lock.ts';
import { markPresent } from './missing-patients.ts';
import { type ParseRules, parseRecord } from './parse-patient.ts';
import type { Patient } from './patient.ts';
import {
  countQuarantine,
  quarantinedIds,
  quarantineRecords,
  type RejectedRecord,
  rejectedByDatabase,
  releaseFromQuarantine,
  stillQuarantined,
} from './quarantine.ts';
import { upsertIsolatingFailures } from './upsert.ts';

/** The limit per request; the next request retries the rest. */
const RETRIED_AT_MOST = 500;

export interface RetryDeps {
  database: Database;
  sealer: Sealer;
  source: PatientSource;
  rules: ParseRules;
}

/** @throws ClinikoError, or the reason of the signal; patients stored before stay stored */
export async function retryQuarantine(
  deps: RetryDeps,
  organizationId: number,
  signal: AbortSignal,
): Promise<QuarantineRetry> {
  const { sql } = deps.database;
  const ids = await quarantinedIds(sql, organizationId, RETRIED_AT_MOST);
  let resolved = 0;
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const asked = ids.slice(from, from + IDS_AT_ONCE);
    const { records } = await fetchByIds(deps.source, asked, { signal });
    resolved += await storeAgain(deps, organizationId, records);
  }
  return { requested: ids.length, resolved, remaining: await countQuarantine(sql, organizationId) };
}

/**
 * @returns how many are stored now
 * @throws OrganizationDeletedError
 */
async function storeAgain(
  { database, sealer, rules }: RetryDeps,
  organizationId: number,
  records: readonly ClinikoRecord[],
): Promise<number> {
  const patients: Patient[] = [];
  const rejected: RejectedRecord[] = [];
  for (const record of records) {
    const read = parseRecord(record, rules);
    if (read.kind === 'patient') patients.push(read.patient);
    else rejected.push(read.rejected);
  }
  const keys = [
    ...patients.map((patient) => patient.clinikoPatientId),
    ...rejected.map((record) => record.recordKey),
  ];
  const store = async (tx: Tx): Promise<number> => {
    await shareOrganization(tx, organizationId);
    // A patient that was erased after the request to Cliniko is no longer in the quarantine, and stays erased.
    const open = await stillQuarantined(tx, organizationId, keys);
    const wanted = patients.filter((patient) => open.has(patient.clinikoPatientId));
    const { refused } = await upsertIsolatingFailures(tx, organizationId, wanted);
    const refusals = new Set(refused);
    const stored = wanted
      .filter((patient) => !refusals.has(patient))
      .map((patient) => patient.clinikoPatientId);
    const again = [
      ...rejected.filter((record) => open.has(record.recordKey)),
      ...refused.map(rejectedByDatabase),
    ];
    const present = again.map((record) => record.clinikoPatientId);
    await markPresent(tx, organizationId, present);
    await releaseFromQuarantine(tx, organizationId, { stored, rejected: again });
    await quarantineRecords(tx, sealer, organizationId, again);
    return stored.length;
  };
  return await retryTransaction(() => database.sql.begin(store));
}
