/** Stored patients, and records that could not be stored. The only two tables with patient data. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core';
import { PATIENT_UNIQUE } from '../database/patient-uniqueness.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const patientTable = pgTable(
  'patients',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    organizationId: integer('organization_id').notNull(),
    /** Up to 19 digits, stored as text: they exceed a JavaScript number, and in one case an int8. */
    clinikoPatientId: text('cliniko_patient_id').notNull(),
    firstName: text('first_name'),
    lastName: text('last_name'),
    email: text('email'),
    /** E.164, from the first valid number; the originals stay in `raw`. */
    phone: text('phone'),
    dateOfBirth: date('date_of_birth', { mode: 'string' }),
    archivedAt: timestamp('archived_at', { withTimezone: true, mode: 'string' }),
    /** The Cliniko id of the patient that this one was merged into: the survivor, at the end of a chain (merge-chains.ts). */
    mergedInto: text('merged_into'),
    /** When a proven full run first missed this patient in Cliniko, or when a person confirmed it. */
    missingSince: timestamp('missing_since', { withTimezone: true, mode: 'string' }),
    /** Also absent, but together with so many others that a person has to confirm it first. */
    heldSince: timestamp('held_since', { withTimezone: true, mode: 'string' }),
    /** From the clock of Cliniko. */
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }),
    updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }),
    /** The record as Cliniko sent it. */
    raw: jsonb('raw').notNull(),
    /** Hash of `raw` and of the parsing rules: detects an unchanged patient without parsing it. */
    contentHash: bytea('content_hash').notNull(),
    /** Data-quality warnings of this version. */
    warnings: smallint('warnings').notNull(),
    storedAt: timestamp('stored_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    unique(PATIENT_UNIQUE).on(table.organizationId, table.clinikoPatientId),
    index('patients_merged').on(table.organizationId).where(sql`merged_into is not null`),
    index('patients_missing').on(table.missingSince).where(sql`missing_since is not null`),
    index('patients_held').on(table.organizationId).where(sql`held_since is not null`),
  ],
);

/** A row exists while its patient cannot be stored; the next successful upsert of that patient removes it. */
export const quarantineTable = pgTable(
  'quarantine',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    organizationId: integer('organization_id').notNull(),
    /** The Cliniko id, or `sha256:…` of a record that has none. */
    recordKey: text('record_key').notNull(),
    clinikoPatientId: text('cliniko_patient_id'),
    reason: text('reason').notNull(),
    /** The record as Cliniko sent it, sealed like a credential. */
    sealedRaw: text('sealed_raw').notNull(),
    firstSeenAt: timestamp('first_seen_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    lastSeenAt: timestamp('last_seen_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(1),
  },
  (table) => [
    unique('quarantine_org_record_unique').on(table.organizationId, table.recordKey),
    index('quarantine_newest').on(table.organizationId, table.lastSeenAt),
  ],
);
