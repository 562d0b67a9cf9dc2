/** Counts and problems of an organization's patients, as the pages show them. Never a name or a value. */
import { z } from 'zod';
import { SyncLog } from './sync-log.ts';

/** Response of `GET /api/v1/cliniko/patients/:orgId/summary`. `total = active + archived`; missing ones are counted separately. */
export const PatientSummary = z.object({
  total: z.int(),
  active: z.int(),
  archived: z.int(),
  missing: z.int(),
  last_completed_sync: z.nullable(SyncLog),
});
export type PatientSummary = z.infer<typeof PatientSummary>;

/** Response of `GET /api/v1/cliniko/patients/:orgId/missing`: patients marked as missing, and those that await confirmation. */
export const MissingPatients = z.object({
  missing: z.int(),
  held: z.int(),
  held_since: z.string().nullable(),
  /** Cliniko ids of the held patients, to look them up there; at most 100. */
  held_ids: z.array(z.string()),
  /** Cliniko ids of the missing patients, the newest first; at most 100. `?format=csv` lists all, held and missing. */
  missing_ids: z.array(z.string()),
});
export type MissingPatients = z.infer<typeof MissingPatients>;

/** Response of `POST /api/v1/cliniko/patients/:orgId/missing/confirm`. */
export const ConfirmedMissing = z.object({ confirmed: z.int() });
export type ConfirmedMissing = z.infer<typeof ConfirmedMissing>;

/** Response of `POST /api/v1/cliniko/patients/:orgId/missing/release`. */
export const ReleasedHeld = z.object({ released: z.int() });
export type ReleasedHeld = z.infer<typeof ReleasedHeld>;

export const QuarantineReason = z.enum([
  'INVALID_PHONE',
  'MISSING_EMAIL',
  'INVALID_RECORD',
  'MISSING_ID',
  'REFUSED_BY_DATABASE',
]);
export type QuarantineReason = z.infer<typeof QuarantineReason>;

const QuarantinedPatient = z.object({
  /** Of the quarantine row. */
  id: z.int(),
  /** Exact digits; null when the record had none. */
  cliniko_patient_id: z.string().nullable(),
  reason: QuarantineReason,
  first_seen_at: z.string(),
  last_seen_at: z.string(),
  attempts: z.int(),
});

/** Response of `GET /api/v1/cliniko/quarantine/:orgId`: unresolved records, newest first, at most 1,000. */
export const QuarantineList = z.object({ patients: z.array(QuarantinedPatient), total: z.int() });
export type QuarantineList = z.infer<typeof QuarantineList>;

/** Response of `POST /api/v1/cliniko/quarantine/:orgId/retry`: at most 500 patients a request, the longest waiting first. */
export const QuarantineRetry = z.object({
  requested: z.int(),
  /** Stored by this request. */
  resolved: z.int(),
  /** Still in quarantine, including those that were not requested. */
  remaining: z.int(),
});
export type QuarantineRetry = z.infer<typeof QuarantineRetry>;

export const PatientState = z.enum(['active', 'archived', 'missing', 'merged']);
export type PatientState = z.infer<typeof PatientState>;

export const ListedPatient = z.object({
  /** Exact digits. */
  cliniko_patient_id: z.string(),
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  email: z.string().nullable(),
  /** E.164. */
  phone: z.string().nullable(),
  /** `YYYY-MM-DD`. */
  date_of_birth: z.string().nullable(),
  state: PatientState,
  archived_at: z.string().nullable(),
  missing_since: z.string().nullable(),
  /** The Cliniko id of the patient that this one was merged into. */
  merged_into: z.string().nullable(),
  /** Both by Cliniko's clock. */
  created_at: z.string().nullable(),
  updated_at: z.string().nullable(),
  /** The patient's page in Cliniko; null while the clinic's address there is unknown. */
  cliniko_url: z.string().nullable(),
});
export type ListedPatient = z.infer<typeof ListedPatient>;

/** Response of `GET /api/v1/cliniko/patients/:orgId`, ordered by Cliniko id. */
export const PatientList = z.object({
  patients: z.array(ListedPatient),
  /** The next `after`; null at the end. */
  next: z.string().nullable(),
});
export type PatientList = z.infer<typeof PatientList>;
