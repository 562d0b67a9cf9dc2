/** The form state of a clinic that is being added. Pure. */
import type { ClinikoAccount } from '#contract/organization.ts';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { parseOrganizationId } from './address.ts';
import { type ClinicDraft, countryName, NO_COUNTRY } from './settings-draft.ts';

/** An API key that Cliniko accepts. */
export interface AcceptedKey {
  apiKey: string;
  account: ClinikoAccount | null;
  /** Proposed for the new organization. */
  id: number;
}

export interface NewClinicDraft extends ClinicDraft {
  /** The organization id, as typed. */
  id: string;
}

export type NewClinicErrors = Partial<Record<keyof NewClinicDraft, string>>;

/** What Cliniko does not tell stays empty, so that nothing is stored that a person has not seen as a choice. */
export function newClinicDraft(account: ClinikoAccount | null, id: number): NewClinicDraft {
  return {
    id: String(id),
    name: account?.name ?? '',
    country: account?.country ?? '',
    timeZone: account?.time_zone ?? '',
  };
}

/** @param taken the registered organizations */
export function nextFreeId(taken: readonly number[]): number {
  const next = taken.reduce((highest, id) => Math.max(highest, id), 0) + 1;
  if (next <= MAX_ROW_ID) return next;
  const ids = new Set(taken);
  let free = 1;
  while (ids.has(free)) free++;
  return free;
}

export function newClinicErrors({ id, name, country, timeZone }: NewClinicDraft): NewClinicErrors {
  const errors: NewClinicErrors = {};
  if (parseOrganizationId(id) === undefined) errors.id = `A whole number from 1 to ${MAX_ROW_ID}.`;
  if (name.trim() === '') errors.name = 'Give the clinic a name: lists and messages use it.';
  if (countryName(country.trim()) === undefined) errors.country = NO_COUNTRY;
  if (timeZone === '') errors.timeZone = 'Choose the time zone of the clinic: its schedules follow it.';
  return errors;
}
