/**
 * Parses a record of Cliniko into a patient or a quarantined record. Pure and total: each record gives one of the two.
 *
 * A bad phone number or a missing email rejects a patient only if the organization requires it: each oddity is counted as a
 * data-quality warning, and the original stays in `raw`.
 */
import { hash } from 'node:crypto';
import type { ValidationPolicy } from '#contract/organization.ts';
import type { ClinikoRecord } from '../cliniko/record.ts';
import { parseWirePatient, storableJson, type WirePatient } from '../cliniko/wire.ts';
import type { Patient } from './patient.ts';
import { findPhone } from './phone.ts';
import type { RejectedRecord } from './quarantine.ts';

export interface ParseRules {
  /** ISO 3166-1 alpha-2, for phone numbers typed without a country. */
  country: string;
  validation: ValidationPolicy;
}

/** Identifies a record, and shows whether it has to be parsed: most records are stored already, unchanged. */
export interface IdentifiedRecord {
  record: ClinikoRecord;
  /** The Cliniko id, or a hash of a record that has none. */
  recordKey: string;
  /** The record as JSON in UTF-8, without characters that PostgreSQL cannot store. */
  raw: Buffer;
  /** Hex hash of the record and of the parsing rules. */
  contentHash: string;
}

export type ParsedPatient =
  | { kind: 'patient'; patient: Patient }
  | { kind: 'rejected'; rejected: RejectedRecord };

/**
 * Increase it when the same record must give other columns: each stored hash then differs, and each record is written again.
 */
const PARSER_VERSION = 3;

const HASH_DIGITS = 32;

export function identifyRecord(record: ClinikoRecord, { country, validation }: ParseRules): IdentifiedRecord {
  const raw = storableBytes(record);
  const rules = `${PARSER_VERSION} ${country} ${validation.phone} ${validation.email}`;
  return {
    record,
    recordKey: record.id ?? keyOf(raw),
    raw,
    contentHash: hashOf(`${rules}\n`, raw),
  };
}

/** The key of a record: its Cliniko id, or a hash of a record without one. */
export function recordKeyOf(record: ClinikoRecord): string {
  return record.id ?? keyOf(storableBytes(record));
}

const keyOf = (raw: Buffer) => `sha256:${hashOf('', raw)}`;

function storableBytes(record: ClinikoRecord): Buffer {
  if (!record.hasUnicodeEscapes) return record.bytes;
  const json = record.text;
  const storable = storableJson(json);
  return storable === json ? record.bytes : Buffer.from(storable);
}

/** Memory that all hashes share: a copy takes less time than a hash in two steps. A larger record, which is rare, gets its own. */
const shared = Buffer.allocUnsafeSlow(65_536);

/** @param prefix ASCII */
function hashOf(prefix: string, json: Buffer): string {
  const length = prefix.length + json.length;
  const hashed = length > shared.length ? Buffer.allocUnsafeSlow(length) : shared;
  hashed.write(prefix, 'latin1');
  hashed.set(json, prefix.length);
  return hash('sha256', hashed.subarray(0, length)).slice(0, HASH_DIGITS);
}

export function parseRecord(record: ClinikoRecord, rules: ParseRules): ParsedPatient {
  return parseIdentified(identifyRecord(record, rules), rules);
}

export function parseIdentified(identified: IdentifiedRecord, rules: ParseRules): ParsedPatient {
  const wire = parseWirePatient(identified.record.parse());
  if (wire.kind === 'no-id') return reject(identified, 'MISSING_ID');
  const { patient, oddities } = wire;
  const phone = findPhone(patient.phones, rules.country);
  if (phone.invalid && rules.validation.phone === 'reject') return reject(identified, 'INVALID_PHONE');
  if (patient.email === null && rules.validation.email === 'require') {
    return reject(identified, 'MISSING_EMAIL');
  }
  const warnings = oddities.length + (phone.invalid ? 1 : 0) + (patient.email === null ? 1 : 0);
  return { kind: 'patient', patient: toPatient(patient, identified, phone.e164, warnings) };
}

/** Names of the fields of a stored record that have no valid value: what its data warnings are about, except a missing email. */
export function fieldsWithWarnings(record: unknown, country: string): string[] {
  const wire = parseWirePatient(record);
  if (wire.kind === 'no-id') return [];
  const { invalid } = findPhone(wire.patient.phones, country);
  return [...wire.oddities, ...(invalid ? [PHONES] : [])];
}

/** Cliniko's field. */
const PHONES = 'patient_phone_numbers';

const WORDS = {
  INVALID_PHONE: 'Invalid phone number format',
  MISSING_EMAIL: 'Missing required email field',
  MISSING_ID: 'Record without a usable id',
} as const;

function reject({ record, recordKey, raw }: IdentifiedRecord, reason: keyof typeof WORDS): ParsedPatient {
  return {
    kind: 'rejected',
    rejected: { recordKey, clinikoPatientId: record.id ?? null, raw, reason, words: WORDS[reason] },
  };
}

function toPatient(
  wire: WirePatient,
  { raw, contentHash }: IdentifiedRecord,
  phone: string | null,
  warnings: number,
): Patient {
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
    contentHash,
    warnings,
  };
}
