/**
 * From a record of Cliniko to a patient of ours, or to the quarantine. Pure, and total: every record comes out.
 *
 * A patient is not refused for a bad phone number or a missing email unless the organization says so: what is odd is
 * counted as a data-quality warning, and the original stays in `raw`.
 */
import { createHash } from 'node:crypto';
import { parseWirePatient, type WirePatient } from '../cliniko/wire.ts';
import type { ValidationPolicy } from '../contract/organization.ts';
import type { Patient } from './patient.ts';
import { findPhone } from './phone.ts';
import type { RejectedRecord } from './quarantine.ts';

export interface ReadingRules {
  /** ISO 3166-1 alpha-2, for phone numbers typed without a country. */
  country: string;
  validation: ValidationPolicy;
}

export type ReadRecord =
  | { kind: 'patient'; patient: Patient; warnings: number }
  | { kind: 'rejected'; rejected: RejectedRecord };

/** Raise it when the same record has to give other columns: every stored hash then differs, and is written anew. */
const READING_VERSION = 1;

export function readRecord(record: unknown, rules: ReadingRules): ReadRecord {
  const wire = parseWirePatient(record);
  if (wire.kind === 'no-id') {
    const key = createHash('sha256').update(wire.raw).digest('hex').slice(0, 32);
    return reject({ recordKey: `sha256:${key}`, clinikoPatientId: null, raw: wire.raw }, 'MISSING_ID');
  }
  const { patient, oddities, raw } = wire;
  const phone = findPhone(patient.phones, rules.country);
  const known = { recordKey: patient.id, clinikoPatientId: patient.id, raw };
  if (phone.invalid && rules.validation.phone === 'reject') return reject(known, 'INVALID_PHONE');
  if (patient.email === null && rules.validation.email === 'require') return reject(known, 'MISSING_EMAIL');
  const warnings = oddities.length + (phone.invalid ? 1 : 0) + (patient.email === null ? 1 : 0);
  return { kind: 'patient', patient: toPatient(patient, phone.e164, raw), warnings };
}

const WORDS = {
  INVALID_PHONE: 'Invalid phone number format',
  MISSING_EMAIL: 'Missing required email field',
  MISSING_ID: 'Record without a usable id',
} as const;

function reject(
  record: Pick<RejectedRecord, 'recordKey' | 'clinikoPatientId' | 'raw'>,
  reason: keyof typeof WORDS,
): ReadRecord {
  return { kind: 'rejected', rejected: { ...record, reason, words: WORDS[reason] } };
}

function toPatient(wire: WirePatient, phone: string | null, raw: string): Patient {
  return {
    clinikoPatientId: wire.id,
    firstName: wire.firstName,
    lastName: wire.lastName,
    email: wire.email,
    phone,
    dateOfBirth: wire.dateOfBirth,
    archivedAt: wire.archivedAt,
    mergedInto: wire.mergedInto,
    createdAt: wire.createdAt,
    updatedAt: wire.updatedAt,
    raw,
    // The phone also depends on the clinic's country; everything else follows from the record.
    contentHash: createHash('sha256')
      .update(`${READING_VERSION}\n${phone ?? ''}\n${raw}`)
      .digest('hex')
      .slice(0, 32),
  };
}
