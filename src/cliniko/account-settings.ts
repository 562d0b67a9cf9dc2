/**
 * What Cliniko's public settings tell about an account: its name, country and time zone.
 *
 * Their form is only partly known. The country is an English name, in newer answers also a code; the time zone is an IANA
 * name or a label of the time-zone list that Cliniko shows ("Melbourne", "Eastern Time (US & Canada)"); anything may be
 * missing. What is not understood is null, so that a person is asked for it.
 */
import { z } from 'zod';
import { OrganizationSettings, TimeZone } from '#contract/organization.ts';
import { ClinikoError } from './error.ts';

export interface AccountSettings {
  name: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string | null;
  /** IANA name. */
  timeZone: string | null;
}

const Text = z.string().trim().min(1).nullable().catch(null);
const Answer = z.object({
  account: z.object({ name: Text, country: Text, country_code: Text, time_zone: Text }).partial(),
});

const { name: Name, country: Country } = OrganizationSettings.shape;

/** @throws ClinikoError when the answer has no account */
export function readAccountSettings(body: unknown): AccountSettings {
  const answer = Answer.safeParse(body);
  if (!answer.success) throw new ClinikoError({ kind: 'unreadable', status: 200 });
  const { name, country, country_code, time_zone } = answer.data.account;
  return {
    name: Name.safeParse(name).data ?? null,
    country: countryOf(country_code) ?? countryOf(country) ?? null,
    timeZone: timeZoneOf(time_zone ?? '') ?? null,
  };
}

/** @param text a code or an English name */
function countryOf(text: string | null | undefined): string | undefined {
  if (text == null) return undefined;
  const code = Country.safeParse(text.toUpperCase());
  if (code.success) return code.data;
  const names = new Intl.DisplayNames('en', { type: 'region' });
  return Country.options.find((one) => names.of(one)?.toLowerCase() === text.toLowerCase());
}

/** Most labels are the city of an IANA name. Some lists put the offset before it: "(GMT+10:00) Melbourne". */
function timeZoneOf(text: string): string | undefined {
  const label = text.replace(/^\((?:GMT|UTC)(?:[+-]\d{1,2}:?\d{2})?\)\s*/, '');
  const other = OTHER_LABELS[label];
  if (other !== undefined) return other;
  if (label.includes('/')) return TimeZone.safeParse(label).data;
  const city = label.replaceAll(' ', '_');
  return Intl.supportedValuesOf('timeZone').find((zone) => zone.split('/').at(-1) === city);
}

/** The labels that are no city of an IANA name, where Cliniko has clinics. */
const OTHER_LABELS: Readonly<Record<string, string>> = {
  'Abu Dhabi': 'Asia/Dubai',
  Alaska: 'America/Anchorage',
  Arizona: 'America/Phoenix',
  'Atlantic Time (Canada)': 'America/Halifax',
  Beijing: 'Asia/Shanghai',
  Bern: 'Europe/Zurich',
  Canberra: 'Australia/Sydney',
  'Central Time (US & Canada)': 'America/Chicago',
  Chennai: 'Asia/Kolkata',
  'Eastern Time (US & Canada)': 'America/New_York',
  Edinburgh: 'Europe/London',
  Hawaii: 'Pacific/Honolulu',
  'Indiana (East)': 'America/Indiana/Indianapolis',
  Kolkata: 'Asia/Kolkata',
  'Mountain Time (US & Canada)': 'America/Denver',
  Mumbai: 'Asia/Kolkata',
  'New Caledonia': 'Pacific/Noumea',
  'New Delhi': 'Asia/Kolkata',
  Newfoundland: 'America/St_Johns',
  Osaka: 'Asia/Tokyo',
  'Pacific Time (US & Canada)': 'America/Los_Angeles',
  Pretoria: 'Africa/Johannesburg',
  Samoa: 'Pacific/Apia',
  Sapporo: 'Asia/Tokyo',
  Saskatchewan: 'America/Regina',
  UTC: 'UTC',
  Wellington: 'Pacific/Auckland',
};
