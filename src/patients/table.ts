/**
 * Stored patients, and records that could not be stored: the only two tables with patient data. Then the log of changes of
 * patients, which contains ids only.
 *
 * The triggers `patients_log_…` (drizzle/) write one change for each change of a row of `patients` by any program, so table and
 * log cannot differ.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import { PATIENT_UNIQUE } from '../database/patient-uniqueness.ts';
import { time } from '../database/time-column.ts';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
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
    archivedAt: time('archived_at'),
    /** The Cliniko id of the patient that this one was merged into: the survivor, at the end of a chain (merge-chains.ts). */
    mergedInto: text('merged_into'),
    /** When a proven full run first missed this patient in Cliniko, or when a person confirmed it. */
    missingSince: time('missing_since'),
    /** Also absent, but together with so many others that a person has to confirm it first. */
    heldSince: time('held_since'),
    /** From the clock of Cliniko. */
    createdAt: time('created_at'),
    updatedAt: time('updated_at'),
    /** The record as Cliniko sent it. */
    raw: jsonb('raw').notNull(),
    /** Hash of `raw` and of the parsing rules: detects an unchanged patient without parsing it. */
    contentHash: bytea('content_hash').notNull(),
    /** Data-quality warnings of this version. */
    warnings: smallint('warnings').notNull(),
    storedAt: time('stored_at').notNull().defaultNow(),
    /** Moves with every change of the row, and grows in the order of commits: readers copy what is newer than their last one. */
    changedAt: time('changed_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    unique(PATIENT_UNIQUE).on(table.organizationId, table.clinikoPatientId),
    index('patients_merged').on(table.organizationId).where(sql`merged_into is not null`),
    index('patients_changed').on(table.organizationId, table.changedAt),
    index('patients_missing').on(table.missingSince).where(sql`missing_since is not null`),
    index('patients_held').on(table.organizationId).where(sql`held_since is not null`),
    // A dashboard counts these at each load, from the index alone (summary.ts, patients-to-check.ts), in exactly these words.
    index('patients_archived')
      .on(table.organizationId)
      .where(sql`archived_at is not null and missing_since is null`),
    index('patients_missing_ids')
      .on(table.organizationId, table.clinikoPatientId)
      .where(sql`missing_since is not null`),
    index('patients_field_warnings')
      .on(table.organizationId, table.clinikoPatientId)
      .where(sql`warnings > (email is null)::int and missing_since is null and merged_into is null`),
    index('patients_email_warnings')
      .on(table.organizationId, table.clinikoPatientId)
      .where(sql`warnings > 0 and email is null and missing_since is null and merged_into is null`),
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
    firstSeenAt: time('first_seen_at').notNull().defaultNow(),
    lastSeenAt: time('last_seen_at').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(1),
  },
  (table) => [
    unique('quarantine_org_record_unique').on(table.organizationId, table.recordKey),
    index('quarantine_newest').on(table.organizationId, table.lastSeenAt),
  ],
);

/** The head of each organization's changes. Its row is locked only while a transaction commits, so `seq` equals commit order. */
export const patientChangeStreamTable = pgTable('patient_change_streams', {
  organizationId: integer('organization_id').primaryKey(),
  head: bigint('head', { mode: 'bigint' }).notNull(),
  /** The greatest `patients.changed_at`, including erased patients. */
  changedAt: time('changed_at').notNull(),
  /** The transaction that changed the head last, and `changed_at` before it. */
  writer: xid8('writer').notNull(),
  settledAt: time('settled_at').notNull(),
});

/** Consecutive changes of one statement, at most 1,000 in a row. Partitioned by days of `at`, like `sync_events`. */
export const patientChangeTable = pgTable(
  'patient_changes',
  {
    organizationId: integer('organization_id').notNull(),
    /** The number of the last change of this row. */
    seq: bigint('seq', { mode: 'bigint' }).notNull(),
    /** Read while the head is locked, so it grows with `seq`. */
    at: time('at').notNull(),
    /** The run that made the changes; null for all other writers. */
    syncLogId: integer('sync_log_id'),
    kinds: text('kinds').array().notNull(),
    clinikoPatientIds: text('cliniko_patient_ids').array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.seq, table.at] })],
);

/** The changes of open transactions. The commit numbers them and deletes the rows, so other transactions never see one. */
export const pendingPatientChangeTable = pgTable('patient_changes_pending', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  organizationId: integer('organization_id').notNull(),
  kinds: text('kinds').array().notNull(),
  clinikoPatientIds: text('cliniko_patient_ids').array().notNull(),
  /** Of the changed rows; null when all were erased. */
  firstChangedAt: time('first_changed_at'),
  lastChangedAt: time('last_changed_at'),
  /** Whether each row has its own `changed_at`. */
  isDistinct: boolean('is_distinct').notNull(),
});
