/**
 * The patients that a person has to look at, by reason: held, quarantined, missing, and stored with a data warning.
 *
 * The lists are keyed by the row of the quarantine, newest first, or by the Cliniko id, so a row that is added or removed
 * between two requests never shifts a page. Data warnings are read from the stored row: the run that counted them keeps no
 * list.
 *
 * Not here: the decisions about held patients (missing-patients.ts), the retry (retry-quarantine.ts).
 */
import type { ISql } from 'postgres';
import type { z } from 'zod';
import { QuarantineReason } from '#contract/patients.ts';
import { CheckReason, type PatientsToCheck, type PatientToCheck } from '#contract/patients-to-check.ts';
import { isoTime } from '../database/iso-time.ts';
import { fieldsWithWarnings } from './parse-patient.ts';

export type FoundPatient = Omit<PatientToCheck, 'cliniko_url'>;

/** The reasons of stored patients. The others are those of the quarantine. */
const StoredReason = CheckReason.exclude(QuarantineReason.options);
type StoredReason = z.infer<typeof StoredReason>;

/** @returns the reasons that apply, in the order of `CheckReason` */
export async function countToCheck(sql: ISql, organizationId: number): Promise<PatientsToCheck['groups']> {
  const [rejected, [stored]] = await Promise.all([
    sql<{ reason: string; count: number }[]>`
      select reason, count(*)::int as count from quarantine where organization_id = ${organizationId} group by reason`,
    sql<Record<StoredReason, number>[]>`
      select ${counted(sql, organizationId, 'HELD')}, ${counted(sql, organizationId, 'MISSING')},
        ${counted(sql, organizationId, 'FIELD_WARNING')}, ${counted(sql, organizationId, 'EMAIL_WARNING')}`,
  ]);
  const counts = new Map<string, number>(Object.entries(stored ?? {}));
  for (const { reason, count } of rejected) counts.set(reason, count);
  return CheckReason.options.flatMap((reason) => {
    const count = counts.get(reason) ?? 0;
    return count > 0 ? { reason, count } : [];
  });
}

/** Apart from the others, so that it comes from the index of its condition alone (table.ts). */
const counted = (sql: ISql, organizationId: number, reason: StoredReason) => sql`
  (select count(*)::int from patients
    where organization_id = ${organizationId} and ${conditionOf(sql, reason)}) as ${sql(reason)}`;

export interface CheckPage {
  /** 1 to 1,000. */
  limit: number;
  /** `key` of the last patient of the previous page. */
  after?: string | undefined;
}

/** @returns at most `limit` + 1: the extra one shows that there is another page */
export async function readToCheck(
  sql: ISql,
  organizationId: number,
  reason: CheckReason,
  page: CheckPage,
): Promise<FoundPatient[]> {
  const stored = StoredReason.safeParse(reason);
  return stored.success
    ? await readStored(sql, organizationId, stored.data, page)
    : await readQuarantined(sql, organizationId, reason, page);
}

async function readQuarantined(
  sql: ISql,
  organizationId: number,
  reason: CheckReason,
  { limit, after }: CheckPage,
): Promise<FoundPatient[]> {
  const rows = await sql<Omit<FoundPatient, 'reason' | 'fields'>[]>`
    select id::text as key, cliniko_patient_id, ${isoTime(sql, 'first_seen_at')} as since,
      ${isoTime(sql, 'last_seen_at')} as last_tried_at, attempts
    from quarantine
    where organization_id = ${organizationId} and reason = ${reason}
      ${after === undefined ? sql`` : sql`and id < ${after}::numeric`}
    order by id desc limit ${limit + 1}`;
  return rows.map((row) => ({ ...row, reason, fields: [] }));
}

async function readStored(
  sql: ISql,
  organizationId: number,
  reason: StoredReason,
  { limit, after }: CheckPage,
): Promise<FoundPatient[]> {
  const needsRecord = reason === 'FIELD_WARNING';
  const rows = await sql<{ id: string; since: string; raw: unknown; country: string | null }[]>`
    select cliniko_patient_id as id, ${isoTime(sql, SINCE[reason])} as since,
      ${needsRecord ? sql`raw` : sql`null`} as raw,
      (select country from organizations where id = ${organizationId}) as country
    from patients
    where organization_id = ${organizationId} and ${conditionOf(sql, reason)}
      ${after === undefined ? sql`` : sql`and cliniko_patient_id > ${after}`}
    order by cliniko_patient_id limit ${limit + 1}`;
  return rows.map(({ id, since, raw, country }) => ({
    key: id,
    cliniko_patient_id: id,
    reason,
    since,
    last_tried_at: null,
    attempts: null,
    fields: needsRecord ? fieldsWithWarnings(raw, country ?? '') : [],
  }));
}

const SINCE: Record<StoredReason, string> = {
  HELD: 'held_since',
  MISSING: 'missing_since',
  FIELD_WARNING: 'stored_at',
  EMAIL_WARNING: 'stored_at',
};

/** In the words of the indexes. A data warning about a patient that is missing or merged needs no correction. */
function conditionOf(sql: ISql, reason: StoredReason) {
  switch (reason) {
    case 'HELD':
      return sql`held_since is not null and missing_since is null`;
    case 'MISSING':
      return sql`missing_since is not null`;
    case 'FIELD_WARNING':
      return sql`warnings > (email is null)::int and missing_since is null and merged_into is null`;
    case 'EMAIL_WARNING':
      return sql`warnings > 0 and email is null and missing_since is null and merged_into is null`;
    default:
      return reason satisfies never;
  }
}
