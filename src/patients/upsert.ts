/**
 * Updates the stored patients to match Cliniko, one batch per statement.
 *
 * Hashes are read first, and only patients that differ are written: a batch of unchanged patients costs one index read and
 * no write. `updated_at` alone is not enough: archiving or a new phone may not change it. An older version does not replace one
 * that was stored less than an hour before, so replaying a page is harmless.
 *
 * Not here: which patients are rejected (parse-patient.ts), the transaction around it (sync/write/store-batch.ts).
 */
import type { ISql } from 'postgres';
import { jsonbArray } from '../database/jsonb-array.ts';
import type { Tx } from '../database/open.ts';
import { databaseError } from '../logging/safe-error.ts';
import type { Patient } from './patient.ts';

export interface StoredVersion {
  cliniko_patient_id: string;
  /** Hex. */
  content_hash: string;
  /** Marked as missing, or held. */
  is_missing: boolean;
  is_archived: boolean;
  warnings: number;
}

/** By Cliniko id. */
export type StoredVersions = ReadonlyMap<string, StoredVersion>;

/**
 * The stored versions of these ids, without a statement when there are none. The lateral join probes the index for each id; a plain join may scan the whole table.
 */
export async function readStoredVersions(
  tx: ISql,
  organizationId: number,
  clinikoPatientIds: readonly string[],
): Promise<StoredVersions> {
  if (clinikoPatientIds.length === 0) return new Map();
  const rows = await tx<StoredVersion[]>`
    select stored.*
    from unnest(${clinikoPatientIds as string[]}::text[]) as wanted (id)
    cross join lateral (
      select cliniko_patient_id, encode(content_hash, 'hex') as content_hash, warnings,
        missing_since is not null or held_since is not null as is_missing, archived_at is not null as is_archived
      from patients
      where organization_id = ${organizationId} and cliniko_patient_id = wanted.id
      limit 1
    ) as stored`;
  return new Map(rows.map((row) => [row.cliniko_patient_id, row]));
}

export async function hasPatients(tx: ISql, organizationId: number): Promise<boolean> {
  const rows = await tx`select from patients where organization_id = ${organizationId} limit 1`;
  return rows.length > 0;
}

export interface WrittenPatients {
  /** Cliniko ids. */
  inserted: string[];
  updated: string[];
}

/** Patients as the parameters of the statement that writes them. */
export interface EncodedPatients {
  count: number;
  /** JSON: a list with all columns of each patient except `raw`. */
  recordset: string;
  /** `raw` of each patient, in the same order. */
  raws: Buffer[];
}

/** @param patients 0 to 100, no id twice (PostgreSQL does not update one row twice: SQLSTATE 21000) */
export function encodePatients(patients: readonly Patient[]): EncodedPatients {
  const sorted = [...patients].sort(byClinikoId);
  return { count: sorted.length, recordset: recordset(sorted), raws: sorted.map(({ raw }) => raw) };
}

/**
 * Writes patients in one statement.
 *
 * @returns the inserted patients, and those that replaced an older version; for the rest the stored version was the same or newer
 * @throws PostgresError; nothing was written
 */
export async function upsertPatients(
  tx: ISql,
  organizationId: number,
  encoded: EncodedPatients,
): Promise<WrittenPatients> {
  if (encoded.count === 0) return { inserted: [], updated: [] };
  const [written] = await tx<WrittenPatients[]>`
    with written as (
      insert into patients (organization_id, cliniko_patient_id, first_name, last_name, email, phone, date_of_birth,
        archived_at, merged_into, created_at, updated_at, raw, content_hash, warnings)
      select ${organizationId}, cliniko_patient_id, first_name, last_name, email, phone, date_of_birth,
        archived_at, merged_into, created_at, updated_at, raw, decode(content_hash, 'hex'), warnings
      from rows from (
        jsonb_to_recordset(${encoded.recordset}::text::jsonb) as (
          cliniko_patient_id text, first_name text, last_name text, email text, phone text, date_of_birth date,
          archived_at timestamptz, merged_into text, created_at timestamptz, updated_at timestamptz,
          content_hash text, warnings smallint),
        unnest(${jsonbArray(tx, encoded.raws)})
      ) as patient (cliniko_patient_id, first_name, last_name, email, phone, date_of_birth,
        archived_at, merged_into, created_at, updated_at, content_hash, warnings, raw)
      on conflict (organization_id, cliniko_patient_id) do update set
        first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
        phone = excluded.phone, date_of_birth = excluded.date_of_birth, archived_at = excluded.archived_at,
        merged_into = excluded.merged_into, missing_since = null, held_since = null, created_at = excluded.created_at,
        updated_at = excluded.updated_at, raw = excluded.raw, content_hash = excluded.content_hash,
        warnings = excluded.warnings, stored_at = now(), changed_at = clock_timestamp()
      where (patients.updated_at is null or excluded.updated_at is null
          or patients.updated_at <= excluded.updated_at
          -- No page is that old when it is stored: Cliniko itself has an earlier version again.
          or patients.stored_at < now() - interval '1 hour')
        -- Another batch has stored this version since the hashes were read.
        and patients.content_hash <> excluded.content_hash
        -- A patient marked as missing or held is present again, in any version.
        or patients.missing_since is not null or patients.held_since is not null
      returning cliniko_patient_id as id, xmax = 0 as is_new
    )
    select coalesce(array_agg(id) filter (where is_new), '{}') as inserted,
      coalesce(array_agg(id) filter (where not is_new), '{}') as updated
    from written`;
  return written ?? { inserted: [], updated: [] };
}

/**
 * Rows are locked in this order everywhere (docs/guides/architecture.md). Ids are digits, so PostgreSQL sorts them the same
 * way.
 */
function byClinikoId(a: Patient, b: Patient): number {
  return a.clinikoPatientId < b.clinikoPatientId ? -1 : 1;
}

function recordset(patients: readonly Patient[]): string {
  return JSON.stringify(
    patients.map((patient) => ({
      cliniko_patient_id: patient.clinikoPatientId,
      first_name: patient.firstName,
      last_name: patient.lastName,
      email: patient.email,
      phone: patient.phone,
      date_of_birth: patient.dateOfBirth,
      archived_at: patient.archivedAt,
      merged_into: patient.mergedInto,
      created_at: patient.createdAt,
      updated_at: patient.updatedAt,
      content_hash: patient.contentHash,
      warnings: patient.warnings,
    })),
  );
}

/** Whether a statement failed because of the values in it: SQLSTATE class 22 (data) or 23 (constraints). */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(databaseError(error)?.code ?? '');
}

/**
 * Whether one of the patients may be the cause although PostgreSQL does not say so: a limit (54), a trigger of another
 * program (P0), an internal error (XX).
 */
export function mayBeOneRecord(error: unknown): boolean {
  return /^(2[23]|54|P0|XX)/.test(databaseError(error)?.code ?? '');
}

/** If PostgreSQL rejects so many and all of them, the patients are not the cause. */
const MAX_ISOLATED_FAILURES = 10;

/**
 * Writes all patients that PostgreSQL accepts: a rejected set is halved until each cause is isolated.
 *
 * @returns the written patients, and those that PostgreSQL rejected
 * @throws an error that does not concern the data, or that seems to concern all data
 */
export async function upsertIsolatingFailures(
  tx: Tx,
  organizationId: number,
  patients: readonly Patient[],
): Promise<WrittenPatients & { refused: Patient[] }> {
  const inserted: string[] = [];
  const updated: string[] = [];
  const refused: Patient[] = [];
  const store = async (part: readonly Patient[]): Promise<void> => {
    try {
      await tx.savepoint(async (inner) => {
        const written = await upsertPatients(inner, organizationId, encodePatients(part));
        inserted.push(...written.inserted);
        updated.push(...written.updated);
      });
    } catch (error) {
      if (!mayBeOneRecord(error)) throw error;
      if (part.length === 1) {
        refused.push(...part);
        if (refused.length === patients.length && refused.length >= MAX_ISOLATED_FAILURES) throw error;
        return;
      }
      const middle = Math.ceil(part.length / 2);
      await store(part.slice(0, middle));
      await store(part.slice(middle));
    }
  };
  await store(patients);
  return { inserted, updated, refused };
}
