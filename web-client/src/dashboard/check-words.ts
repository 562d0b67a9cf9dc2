/** The reasons for which a person has to look at patients, as texts. Pure. */
import { type PatientSummary, QuarantineReason } from '#contract/patients.ts';
import type { CheckReason, PatientToCheck } from '#contract/patients-to-check.ts';

export const CHECK_WORDS: Record<CheckReason, string> = {
  HELD: 'No longer in Cliniko, to be decided',
  INVALID_PHONE: 'Not stored: invalid phone number format',
  MISSING_EMAIL: 'Not stored: missing required email field',
  INVALID_RECORD: 'Not stored: the record could not be read',
  MISSING_ID: 'Not stored: the record has no id',
  REFUSED_BY_DATABASE: 'Not stored: the database refused the record',
  MISSING: 'Missing in Cliniko',
  FIELD_WARNING: 'Stored, with a field that is not valid',
  EMAIL_WARNING: 'Stored, without an email address',
};

export const CHECK_ADVICE: Record<CheckReason, string> = {
  HELD: 'Look some of them up in Cliniko. A key of another account, or of a role that sees fewer patients, has the same effect as a deletion.',
  INVALID_PHONE: 'Correct the number in Cliniko, or let Settings accept such patients.',
  MISSING_EMAIL: 'Add the email address in Cliniko, or let Settings accept such patients.',
  INVALID_RECORD: 'Open and save the patient in Cliniko; if it stays, report it.',
  MISSING_ID: 'Nothing can be done here: report it to Cliniko.',
  REFUSED_BY_DATABASE: 'See the server log; the record itself is kept.',
  MISSING: 'Nothing has to be done. A patient that reappears in Cliniko returns with the next sync.',
  FIELD_WARNING: 'Correct the field in Cliniko. The next sync reads it again.',
  EMAIL_WARNING: 'Add the email address in Cliniko, if the patient has one.',
};

export const NOTHING_READ = 'No patient has been read from Cliniko yet.';

/** No run has completed, and none has stored a patient: that no patient has to be checked would say nothing. */
export function hasReadNothing({ total, missing, last_completed_sync }: PatientSummary): boolean {
  return last_completed_sync === null && total + missing === 0;
}

/** Whether the patients of a reason are in quarantine: a retry may store them. */
export function isNotStored({ reason }: { reason: CheckReason }): boolean {
  return QuarantineReason.safeParse(reason).success;
}

const FIELDS: Readonly<Record<string, string>> = {
  patient_phone_numbers: 'phone number',
  merged_with_patient: 'merged patient',
};

/** "phone number, date of birth": the fields of Cliniko that a data warning is about. */
export function fieldWords({ fields }: PatientToCheck): string {
  return fields.map((field) => FIELDS[field] ?? field.replaceAll('_', ' ')).join(', ');
}
