/**
 * The stored patients of one organization, for a person who checks what was stored.
 *
 * One of the few sources of patient data: its route needs `read` and writes an audit entry, and no cache keeps its answers
 * (http/hardening.ts). Pages are keyed by the Cliniko id, so a row that is stored between two requests never shifts a page.
 */
import type { Sql } from 'postgres';
import type { ListedPatient, PatientState } from '#contract/patients.ts';
import { isoTime } from '../database/iso-time.ts';
import { matchesNameOrEmail } from './match-text.ts';

export interface PatientFilter {
  /** Part of a name or e-mail, digits of a phone number, or a whole Cliniko id. */
  search?: string | undefined;
  /** Undefined: all patients except missing and merged ones. */
  state?: PatientState | undefined;
  /** Only these, in every state; for a program that follows the changes. */
  ids?: readonly string[] | undefined;
  /** 1 to 200. */
  limit: number;
  /** The Cliniko id of the last patient of the previous page. */
  after?: string | undefined;
}

interface PatientRow extends Omit<ListedPatient, 'cliniko_url'> {}

/** @returns at most `limit` + 1 rows, ordered by Cliniko id: the extra row shows that there is another page */
export function readPatients(sql: Sql, organizationId: number, filter: PatientFilter): Promise<PatientRow[]> {
  return sql<PatientRow[]>`
    select cliniko_patient_id, first_name, last_name, email, phone, date_of_birth::text as date_of_birth,
      ${stateOf(sql)} as state, merged_into, ${isoTime(sql, 'archived_at')} as archived_at,
      ${isoTime(sql, 'missing_since')} as missing_since,
      ${isoTime(sql, 'created_at')} as created_at,
      ${isoTime(sql, 'updated_at')} as updated_at
    from patients
    where organization_id = ${organizationId}
      ${isWanted(sql, filter)}
      ${filter.after === undefined ? sql`` : sql`and cliniko_patient_id > ${filter.after}`}
      ${filter.search === undefined ? sql`` : sql`and ${matches(sql, filter.search)}`}
    order by cliniko_patient_id limit ${filter.limit + 1}`;
}

function isWanted(sql: Sql, { ids, state }: PatientFilter) {
  const isInState = state === undefined ? sql`` : sql`and ${stateOf(sql)} = ${state}`;
  if (ids !== undefined) return sql`and cliniko_patient_id = any(${[...ids]}) ${isInState}`;
  return state === undefined ? sql`and missing_since is null and merged_into is null` : isInState;
}

/** Missing takes precedence over the other states, and merged over archived. */
const stateOf = (sql: Sql) => sql`case when missing_since is not null then 'missing'
  when merged_into is not null then 'merged' when archived_at is not null then 'archived' else 'active' end`;

/** Fewer digits would match nearly every number. */
const MIN_PHONE_DIGITS = 4;

function matches(sql: Sql, search: string) {
  // Phone numbers are stored in E.164, which omits the leading zero of the national form.
  const digits = search.replace(/\D/g, '').replace(/^0+/, '');
  const isPhone = /^[\d\s()+.-]+$/.test(search) && digits.length >= MIN_PHONE_DIGITS;
  return sql`(${matchesNameOrEmail(sql, search)}
    or cliniko_patient_id = ${search.trim()} ${isPhone ? sql`or phone like ${`%${digits}%`}` : sql``})`;
}
