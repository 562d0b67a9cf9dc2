/** The form state of the settings, and the request for the fields that changed. Pure. */
import {
  DEFAULT_SETTINGS,
  type Organization,
  type OrganizationChange,
  type Schedule,
} from '#contract/organization.ts';

export type Rhythm = 'off' | 'hourly' | 'daily' | 'own';

export interface SettingsDraft {
  name: string;
  country: string;
  timeZone: string;
  phone: 'warn' | 'reject';
  email: 'optional' | 'require';
  rhythm: Rhythm;
  /** "02:30", of `daily`. */
  time: string;
  /** Of `own`. */
  cron: string;
}

const HOURLY = '0 * * * *';
const DAILY = /^(\d{1,2}) (\d{1,2}) \* \* \*$/;

/** @param organization null: the form registers it */
export function draftOf(organization: Organization | null): SettingsDraft {
  const { name, country, time_zone, validation } = organization ?? DEFAULT_SETTINGS;
  return {
    name: name ?? '',
    country,
    timeZone: time_zone,
    phone: validation.phone,
    email: validation.email,
    ...draftOfSchedule(organization?.schedule ?? null),
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
  const cron = cronOf(draft);
  if (cron !== cronOf(before)) change.schedule = cron === null ? null : { cron, time_zone: draft.timeZone };
  return change;
}

/** Null: no schedule. */
export function cronOf({ rhythm, time, cron }: SettingsDraft): string | null {
  switch (rhythm) {
    case 'off':
      return null;
    case 'hourly':
      return HOURLY;
    case 'daily': {
      const [hour, minute] = time.split(':').map(Number);
      return `${minute ?? 0} ${hour ?? 0} * * *`;
    }
    case 'own':
      return cron.trim();
    default:
      return rhythm satisfies never;
  }
}

function draftOfSchedule(schedule: Schedule | null): Pick<SettingsDraft, 'rhythm' | 'time' | 'cron'> {
  const usual = { time: '02:30', cron: '30 2 * * *' };
  if (schedule === null) return { rhythm: 'off', ...usual };
  const { cron } = schedule;
  if (cron === HOURLY) return { rhythm: 'hourly', ...usual, cron };
  const [, minute, hour] = DAILY.exec(cron) ?? [];
  if (minute === undefined || hour === undefined) return { rhythm: 'own', ...usual, cron };
  return { rhythm: 'daily', time: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`, cron };
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
