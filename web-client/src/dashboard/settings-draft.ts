/** The form state of the settings, and the request for the fields that changed. Pure. */
import type { Organization, OrganizationChange, ValidationPolicy } from '#contract/organization.ts';
import { type ApiError, ruleOf } from '../api.ts';
import { draftOfSchedules, type ScheduleDraft, schedulesOf } from './schedule-draft.ts';

export interface ClinicDraft {
  name: string;
  country: string;
  timeZone: string;
}

export interface SettingsDraft extends ClinicDraft, ValidationPolicy {
  schedules: readonly ScheduleDraft[];
}

export interface DraftProps {
  draft: SettingsDraft;
  onDraft(part: Partial<SettingsDraft>): void;
}

export function draftOf(organization: Organization): SettingsDraft {
  const { name, country, time_zone, validation, schedule } = organization;
  return {
    name: name ?? '',
    country,
    timeZone: time_zone,
    phone: validation.phone,
    email: validation.email,
    schedules: draftOfSchedules(schedule, time_zone),
  };
}

export function changeOf(draft: SettingsDraft, organization: Organization): OrganizationChange {
  const before = draftOf(organization);
  const change: OrganizationChange = {};
  if (draft.name !== before.name) change.name = draft.name.trim() || null;
  if (draft.country !== before.country) change.country = draft.country.trim().toUpperCase();
  if (draft.timeZone !== before.timeZone) change.time_zone = draft.timeZone;
  if (draft.phone !== before.phone || draft.email !== before.email)
    change.validation = { phone: draft.phone, email: draft.email };
  // Its schedules move with the time zone of the clinic.
  const schedule = schedulesOf(draft.schedules, draft.timeZone);
  if (JSON.stringify(schedule) !== JSON.stringify(schedulesOf(before.schedules, before.timeZone)))
    change.schedule = schedule;
  return change;
}

/** Errors at their fields. */
export interface SettingsErrors {
  name?: string;
  country?: string;
  timeZone?: string;
  /** By the place in the list. */
  schedules?: Readonly<Record<number, string>>;
}

export const NO_COUNTRY = 'Two letters of a country, such as AU: they determine how phone numbers are read.';

/** What can be seen before the server is asked. */
export function settingsErrors({ country, schedules }: SettingsDraft): SettingsErrors {
  const errors: SettingsErrors = {};
  if (countryName(country.trim()) === undefined) errors.country = NO_COUNTRY;
  const empty = schedules.flatMap(({ rhythm, time, cron }, place) => {
    if (rhythm === 'daily' && time === '') return [[place, 'Choose a time.']];
    return rhythm === 'own' && cron.trim() === '' ? [[place, 'Write a cron expression.']] : [];
  });
  if (empty.length > 0) errors.schedules = Object.fromEntries(empty);
  return errors;
}

/** Of the server. @returns null when it concerns no field of the form */
export function errorsOf(error: ApiError, draft: SettingsDraft): SettingsErrors | null {
  const { field = '' } = error;
  const words = ruleOf(error);
  if (field === 'name' || field === 'country') return { [field]: words };
  if (field === 'time_zone') return { timeZone: words };
  const [part, place] = field.split('.');
  if (part !== 'schedule') return null;
  const written = draft.schedules.flatMap(({ rhythm }, index) => (rhythm === 'off' ? [] : [index]));
  return { schedules: { [written[Number(place)] ?? written[0] ?? 0]: words } };
}

/** "Australia" for "AU"; undefined for an unknown code. */
export function countryName(code: string): string | undefined {
  if (!/^[A-Z]{2}$/.test(code)) return undefined;
  return new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }).of(code);
}

/** All zones that the browser knows, and the current one. @param current '' before one is chosen */
export function timeZones(current: string): string[] {
  const known = Intl.supportedValuesOf('timeZone');
  return current === '' || known.includes(current) ? known : [current, ...known];
}
