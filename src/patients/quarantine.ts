/**
 * The quarantine: patients that could not be stored, kept so that none is lost.
 *
 * The record is sealed; people see only its Cliniko id and a reason. A row is removed when its patient is stored.
 */
import { desc, eq } from 'drizzle-orm';
import type { ISql } from 'postgres';
import { type QuarantineList, QuarantineReason } from '#contract/patients.ts';
import type { Fragment } from '../database/fragment.ts';
import type { Database } from '../database/open.ts';
import type { SealedColumn } from '../encryption/rotate-keys.ts';
import type { Sealer } from '../encryption/sealer.ts';
import type { Patient } from './patient.ts';
import { quarantineTable } from './table.ts';

export interface RejectedRecord {
  /** Exact digits; null when the record has none. */
  clinikoPatientId: string | null;
  /** Identifies the record in later runs: its Cliniko id, or a hash of it. */
  recordKey: string;
  reason: QuarantineReason;
  /** The reason for people: "Invalid phone number format". It contains no name and no value. */
  words: string;
  /** The record as JSON in UTF-8. */
  raw: Buffer;
}

/** A patient that was parsed but that PostgreSQL rejects. */
export function rejectedByDatabase({ clinikoPatientId, raw }: Patient): RejectedRecord {
  return {
    clinikoPatientId,
    recordKey: clinikoPatientId,
    reason: 'REFUSED_BY_DATABASE',
    words: 'The database refused this record',
    raw,
  };
}

const MAX_LISTED = 1_000;

const rawContext = (organizationId: number, recordKey: string) => `quarantine:${organizationId}:${recordKey}`;

export const SEALED_RECORDS: SealedColumn = {
  table: 'quarantine',
  column: 'sealed_raw',
  contextColumns: ['organization_id', 'record_key'],
  contextOf: (row) => rawContext(Number(row.organization_id), String(row.record_key)),
};

/**
 * Adds records, or notes that they failed again. No key may occur twice. An existing row keeps its id.
 *
 * @param isNewAttempt false for a record that the same run has read before, on a page that has shifted
 */
export async function quarantineRecords(
  tx: ISql,
  sealer: Sealer,
  organizationId: number,
  records: readonly RejectedRecord[],
  isNewAttempt: (recordKey: string) => boolean = () => true,
): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map((record) => ({
    record_key: record.recordKey,
    cliniko_patient_id: record.clinikoPatientId,
    reason: record.reason,
    sealed_raw: sealer.seal(record.raw.toString(), rawContext(organizationId, record.recordKey)),
    is_new_attempt: isNewAttempt(record.recordKey),
  }));
  await tx`
    with rejected as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        as rejected (record_key text, cliniko_patient_id text, reason text, sealed_raw text, is_new_attempt boolean)),
    known as (${lockQuarantined(tx, organizationId, tx`select record_key from rejected`)}),
    seen_again as (
      update quarantine set reason = rejected.reason, sealed_raw = rejected.sealed_raw, last_seen_at = now(),
        attempts = attempts + is_new_attempt::int
      from known join rejected using (record_key) where quarantine.id = known.id)
    insert into quarantine as other (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
    select ${organizationId}, record_key, cliniko_patient_id, reason, sealed_raw
    from rejected where record_key not in (select record_key from known)
    order by record_key
    -- For a row that another transaction added after this statement started.
    on conflict (organization_id, record_key) do update set
      reason = excluded.reason, sealed_raw = excluded.sealed_raw, last_seen_at = now(),
      attempts = other.attempts + 1`;
}

/** Locks rows in key order, so that two transactions never deadlock. */
const lockQuarantined = (tx: ISql, organizationId: number, keys: Fragment, condition = tx`true`) => tx`
  select id, record_key from quarantine
  where organization_id = ${organizationId} and record_key in (${keys}) and ${condition}
  order by record_key for update`;

export interface QuarantineChange {
  /** Cliniko ids of patients that are stored now. */
  stored: readonly string[];
  /** Records that the next statement quarantines: locked here, in one order with the removed ones. */
  rejected: readonly RejectedRecord[];
}

/** Removes stored patients from the quarantine. */
export async function releaseFromQuarantine(
  tx: ISql,
  organizationId: number,
  change: QuarantineChange,
): Promise<void> {
  await releasedFromQuarantine(tx, organizationId, change, tx`true`);
}

/**
 * The same as a part of another statement: a batch needs no further round trip.
 *
 * @param condition of that statement, on which it depends
 */
export const releasedFromQuarantine = (
  tx: ISql,
  organizationId: number,
  { stored, rejected }: QuarantineChange,
  condition: Fragment,
) => {
  const keys = [...stored, ...rejected.map((record) => record.recordKey)];
  return tx`
  delete from quarantine using (
    ${lockQuarantined(tx, organizationId, tx`select unnest(${keys}::text[])`, condition)}) as locked
  where quarantine.id = locked.id and locked.record_key = any(${stored as string[]}::text[])`;
};

/** The given Cliniko ids that are still in quarantine. */
export async function stillQuarantined(
  tx: ISql,
  organizationId: number,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await tx<{ id: string }[]>`
    select record_key as id from quarantine
    where organization_id = ${organizationId} and record_key = any(${ids as string[]}::text[])`;
  return new Set(rows.map((row) => row.id));
}

/** Cliniko ids of quarantined patients, least recently tried first. Records without an id are not included. */
export async function quarantinedIds(sql: ISql, organizationId: number, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select cliniko_patient_id as id from quarantine
    where organization_id = ${organizationId} and cliniko_patient_id is not null
    order by last_seen_at, id limit ${limit}`;
  return rows.map((row) => row.id);
}

interface QuarantinedRecord {
  recordKey: string;
  /** Null when the record has no usable id. */
  clinikoPatientId: string | null;
}

/** The findings of a proven full run about the quarantine. */
export interface UnseenQuarantine {
  /** Records that the run did not see, least recently seen first; at most `CHECKED_AT_MOST`. */
  unseen: readonly QuarantinedRecord[];
  /** How many others it saw that were quarantined before. */
  recognized: number;
}

/** The limit per run: the next run checks the rest. */
const CHECKED_AT_MOST = 1_000;

/** @param since the start of the run: another run saw each record that was added or failed again later */
export async function findUnseenQuarantine(
  sql: ISql,
  organizationId: number,
  seen: { has(recordKey: string): boolean },
  since: Date,
): Promise<UnseenQuarantine> {
  const rows = await sql<{ record_key: string; id: string | null; is_old: boolean }[]>`
    select record_key, cliniko_patient_id as id, last_seen_at < ${since.toISOString()}::timestamptz as is_old
    from quarantine
    where organization_id = ${organizationId} and first_seen_at < ${since.toISOString()}::timestamptz
    order by last_seen_at, quarantine.id`;
  const unseen = rows.filter((row) => row.is_old && !seen.has(row.record_key));
  return {
    unseen: unseen
      .slice(0, CHECKED_AT_MOST)
      .map((row) => ({ recordKey: row.record_key, clinikoPatientId: row.id })),
    recognized: rows.length - unseen.length,
  };
}

/**
 * Deletes records that Cliniko no longer has, in the transaction that ends the run which proved it.
 *
 * @returns how many
 */
export async function forgetQuarantined(
  tx: ISql,
  organizationId: number,
  recordKeys: readonly string[],
  since: Date,
): Promise<number> {
  if (recordKeys.length === 0) return 0;
  const { count } = await tx`
    delete from quarantine where organization_id = ${organizationId}
      and record_key = any(${recordKeys as string[]}::text[])
      and last_seen_at < ${since.toISOString()}::timestamptz`;
  return count;
}

export async function countQuarantine(sql: ISql, organizationId: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from quarantine where organization_id = ${organizationId}`;
  return row?.count ?? 0;
}

export async function listQuarantine({ orm }: Database, organizationId: number): Promise<QuarantineList> {
  const ofOrganization = eq(quarantineTable.organizationId, organizationId);
  const total = await orm.$count(quarantineTable, ofOrganization);
  const rows = await orm
    .select()
    .from(quarantineTable)
    .where(ofOrganization)
    .orderBy(desc(quarantineTable.lastSeenAt), desc(quarantineTable.id))
    .limit(MAX_LISTED);
  const patients = rows.map((row) => ({
    id: row.id,
    cliniko_patient_id: row.clinikoPatientId,
    reason: QuarantineReason.parse(row.reason),
    first_seen_at: new Date(row.firstSeenAt).toISOString(),
    last_seen_at: new Date(row.lastSeenAt).toISOString(),
    attempts: row.attempts,
  }));
  return { patients, total };
}
