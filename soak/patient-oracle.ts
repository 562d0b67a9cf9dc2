/** The oracle over stored patients: after a last full sync each clinic's rows equal Cliniko's list. */
import type { Findings } from './findings.ts';

const LOST = 'each patient in Cliniko is stored and not missing';
const INVENTED = 'each stored patient that is not missing exists in Cliniko';
const EQUAL = 'each stored record equals the one in Cliniko';

/** A row of `patients`. */
export interface StoredPatient {
  /** The digest of `raw`. */
  digest: string;
  isMissing: boolean;
}

/** @param inCliniko the digest of each record, by id */
export function compareClinic(
  findings: Findings,
  organizationId: number,
  inCliniko: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, StoredPatient>,
): void {
  const where = (id: string) => `patient ${id} of organization ${organizationId}`;
  for (const [id, digest] of inCliniko) {
    const row = stored.get(id);
    const isStored = row !== undefined && !row.isMissing;
    findings.expect(LOST, isStored, () => `${where(id)} is ${row === undefined ? 'not stored' : 'missing'}`);
    if (isStored) findings.expect(EQUAL, row.digest === digest, () => where(id));
  }
  for (const [id, { isMissing }] of stored)
    if (!isMissing) findings.expect(INVENTED, inCliniko.has(id), () => where(id));
}
