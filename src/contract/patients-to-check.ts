/** The patients of an organization that a person has to look at in Cliniko, by reason. Ids only, never a name or a value. */
import { z } from 'zod';
import { QuarantineReason } from './patients.ts';

/** In the order of the list: first what needs a decision, then what is not stored, then what is stored with a flaw. */
export const CheckReason = z.enum([
  /** Absent from Cliniko together with so many others that a person has to confirm it. */
  'HELD',
  ...QuarantineReason.options,
  /** Marked as missing in Cliniko. */
  'MISSING',
  /** Stored with a data warning: a phone number or another field has no valid value. */
  'FIELD_WARNING',
  /** Stored with a data warning: no email address. */
  'EMAIL_WARNING',
]);
export type CheckReason = z.infer<typeof CheckReason>;

/** Response of `GET /api/v1/cliniko/patients/:orgId/to-check`: the reasons that apply, in the order of `CheckReason`. */
export const PatientsToCheck = z.object({
  groups: z.array(z.object({ reason: CheckReason, count: z.int() })),
});
export type PatientsToCheck = z.infer<typeof PatientsToCheck>;

export const PatientToCheck = z.object({
  /** Identifies the entry within its reason. */
  key: z.string(),
  /** Exact digits; null when the record had none. */
  cliniko_patient_id: z.string().nullable(),
  reason: CheckReason,
  /** Held or missing: since when. Not stored: the first attempt. Data warning: when this version was stored. */
  since: z.string(),
  /** The last attempt to store it; null for a stored patient. */
  last_tried_at: z.string().nullable(),
  /** The number of attempts to store it; null for a stored patient. */
  attempts: z.int().nullable(),
  /** Names of Cliniko's fields that have no valid value; only for `FIELD_WARNING`. */
  fields: z.array(z.string()),
  /** The patient's page in Cliniko; null while the clinic's address there is unknown. */
  cliniko_url: z.string().nullable(),
});
export type PatientToCheck = z.infer<typeof PatientToCheck>;

/** Response of `GET /api/v1/cliniko/patients/:orgId/to-check/:reason`. */
export const PatientsToCheckPage = z.object({
  patients: z.array(PatientToCheck),
  /** The next `after`; null at the end. */
  next: z.string().nullable(),
});
export type PatientsToCheckPage = z.infer<typeof PatientsToCheckPage>;
