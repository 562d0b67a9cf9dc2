/** The form state of the settings, and the request for the fields that changed. Pure. */
import { DEFAULT_SETTINGS, type Organization, type OrganizationChange } from '#contract/organization.ts';
import { areSameSchedules, draftOfSchedules, type ScheduleDraft, schedulesOf } from './schedule-draft.ts';

export interface SettingsDraft {
  name: string;
  country: string;
  timeZone: string;
  phone: 'warn' | 'reject';
  email: 'optional' | 'require';
  schedules: readonly ScheduleDraft[];
}

export interface DraftProps {
  draft: SettingsDraft;
  onDraft(part: Partial<SettingsDraft>): void;
}

/** @param organization null: the form registers it */
export function draftOf(organization: Organization | null): SettingsDraft {
  const { name, country, time_zone, validation } = organization ?? DEFAULT_SETTINGS;
  return {
    name: name ?? '',
    country,
    timeZone: time_zone,
    phone: validation.phone,
    email: validation.email,
    schedules: draftOfSchedules(organization?.schedule ?? null),
  };
}

export function changeOf(draft: SettingsDraft, organization: Organization | null): OrganizationChange {
  const before = draftOf(organization);
  const change: OrganizationChange = {};
  const isNew = organization === null;
  if (isNew || draft.name !== before.name) change.name = draft.name.trim() || null;
  if (isNew || draft.country !== before.country) change.country = draft.country.trim().toUpperCase();
  if (isNew || draft.timeZone !== before.timeZone) change.time_zone = draft.timeZone;
  if (isNew || draft.phone !== before.phone || draft.email !== before.email)
    change.validation = { phone: draft.phone, email: draft.email };
  if (!areSameSchedules(draft.schedules, before.schedules))
    change.schedule = schedulesOf(draft.schedules, draft.timeZone);
  return change;
}

/** "Australia" for "AU"; undefined for an unknown code. */
export function countryName(code: string): string | undefined {
  if (!/^[A-Z]{2}$/.test(code)) return undefined;
  return new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }).of(code);
}

/** All zones that the browser knows, and the current one. */
export function timeZones(current: string): string[] {
  const known = Intl.supportedValuesOf('timeZone');
  return known.includes(current) ? known : [current, ...known];
}
