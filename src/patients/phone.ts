/**
 * Finds phone numbers in free text, using the country of the clinic.
 *
 * A number counts only if it is valid in the numbering plan of its country; one that is merely long enough may belong to
 * another person. The normalized number from Cliniko takes precedence, then the first valid number of the text.
 *
 * Not `findPhoneNumbersInText`: it reads the 2 of "unit 2, 9123 4567" as an area code, and misses "call 5 0412 345 678".
 */
import {
  type CountryCode,
  isSupportedCountry,
  Metadata,
  PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import type { WirePhone } from '../cliniko/wire.ts';

export interface FoundPhone {
  /** The first valid number; null if there is none. */
  e164: string | null;
  /** Whether a text contains no valid number. An empty field does not count. */
  invalid: boolean;
}

/** A patient has a few. Thousands of senseless texts, as in a hostile record, would block the event loop. */
const MAX_PHONES = 20;

/** @param country ISO 3166-1 alpha-2 */
export function findPhone(phones: readonly WirePhone[], country: string): FoundPhone {
  if (phones.length === 0) return { e164: null, invalid: false };
  const plan = planOf(country);
  const numbers = phones
    .slice(0, MAX_PHONES)
    .map(({ normalized, typed }) => readNormalized(normalized) ?? readTyped(typed, plan));
  return { e164: numbers.find((number) => number !== null) ?? null, invalid: numbers.includes(null) };
}

interface NumberingPlan {
  country: CountryCode | undefined;
  /** Whether national numbers start with 0, as in Australia. */
  hasTrunkZero: boolean;
}

const plans = new Map<string, NumberingPlan>();

function planOf(country: string): NumberingPlan {
  if (!isSupportedCountry(country)) return { country: undefined, hasTrunkZero: false };
  const known = plans.get(country);
  if (known !== undefined) return known;
  const plan = { country, hasTrunkZero: nationalPrefixOf(country) === '0' };
  plans.set(country, plan);
  return plan;
}

/** The library provides it, but its types omit it. */
function nationalPrefixOf(country: CountryCode): string {
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country);
  const plan: object = metadata.numberingPlan ?? {};
  return 'nationalPrefix' in plan && typeof plan.nationalPrefix === 'function'
    ? String(plan.nationalPrefix())
    : '';
}

/** `61412345678`: country code and number, without a plus. */
function readNormalized(text: string | null): string | null {
  if (text === null || !/^[1-9][0-9]{6,14}$/.test(text)) return null;
  // It has no separators and no national prefix, so mostly it need not be parsed, which takes three times as long.
  return validAsWritten(`+${text}`) ?? parseValid(`+${text}`);
}

/** @param text a plus and digits */
function validAsWritten(text: string): string | null {
  try {
    const number = new PhoneNumber(text);
    return number.isValid() ? number.number : null;
  } catch {
    // No country has this code, or the number is too short.
    return null;
  }
}

const ONLY_NUMBER = /^[+\d\s().\-/]+$/;
/** A spreadsheet formatted the number as a decimal. */
const DECIMAL_ZERO = /^(\d+)\.0+$/;
/** Longer texts contain more than phone numbers; the rest is not read. */
const READ_AT_MOST = 200;

function readTyped(text: string, plan: NumberingPlan): string | null {
  const plain = text
    .slice(0, READ_AT_MOST)
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\p{Pd}/gu, '-')
    .trim()
    .replace(DECIMAL_ZERO, '$1');
  const isOnlyNumber = ONLY_NUMBER.test(plain);
  // A slash follows an area code ("02/9123 4567"), or a unit ("2/9123 4567").
  const isWhole = isOnlyNumber && (!plain.includes('/') || PREFIXED.test(plain));
  const whole = isWhole ? parseNumber(plain, plan) : null;
  if (whole !== null) return whole;
  for (const { run, isFirst } of runsOf(plain)) {
    const found = readRun(run.match(/\+?\d+/g) ?? [], plan, { isOnlyNumber, isFirst });
    if (found !== null) return found;
  }
  return null;
}

/** Letters, and the few digits attached to them, as in "2nd" and "5pm". */
const WORDS = /(?<!\d)\d{1,4}(?=\p{L})|(?<=\p{L})\d{1,4}(?!\d)|[\p{L}_']+/gu;

/** Sequences of digits with the separators inside one number. Words separate them. */
function runsOf(text: string): { run: string; isFirst: boolean }[] {
  const runs = text.replace(WORDS, ',').matchAll(/\(?\+?\d[\d\s().-]*(?:\+\d[\d\s().-]*)*/g);
  return [...runs].map(({ 0: run, index }) => ({ run, isFirst: index === 0 }));
}

interface RunSurroundings {
  /** The text contains only digits and their separators. */
  isOnlyNumber: boolean;
  /** The text starts with this run. */
  isFirst: boolean;
}

const PREFIXED = /^\(?[+0]/;
const MIN_LEAD_DIGITS = 3;
/** More groups before a number are no remark: to try each of a hundred as its start takes 50 ms. */
const MAX_REMARKS = 4;

/**
 * The first number of a run of digit groups. The groups before and after it must be another number, or, next to words, a
 * short remark such as "call 5 …" and "… 2 kids".
 */
function readRun(groups: readonly string[], plan: NumberingPlan, around: RunSurroundings): string | null {
  for (const [start, lead] of groups.slice(0, MAX_REMARKS + 1).entries()) {
    if (start > 0 && (around.isOnlyNumber || !groups.slice(0, start).every(isRemark))) return null;
    if (!mayBegin(lead, plan, around, start)) continue;
    const number = longestFrom(groups.slice(start), plan, around);
    if (number !== null) return number;
  }
  return null;
}

function longestFrom(groups: readonly string[], plan: NumberingPlan, around: RunSurroundings): string | null {
  for (let end = groups.length; end > 0; end -= 1) {
    const rest = groups.slice(end);
    const isRemarks = !around.isOnlyNumber && rest.every(isRemark);
    if (rest.length > 0 && !isRemarks && parseNumber(rest.join(' '), plan) === null) continue;
    const number = parseNumber(groups.slice(0, end).join(' '), plan);
    if (number !== null) return number;
  }
  return null;
}

const isRemark = (group: string): boolean => /^\d{1,4}$/.test(group);

/** Without its 0 a national number could be preceded by a remark, so only the first words of a text may be one. */
function mayBegin(lead: string, plan: NumberingPlan, around: RunSurroundings, start: number): boolean {
  if (PREFIXED.test(lead) || !plan.hasTrunkZero) return true;
  return around.isFirst && start === 0 && lead.length >= MIN_LEAD_DIGITS;
}

/** @param text digits and separators only */
function parseNumber(text: string, { country }: NumberingPlan): string | null {
  const international = /^\s*00\s*([1-9].*)$/s.exec(text)?.[1];
  const direct = international === undefined ? null : parseValid(`+${international}`);
  return direct ?? parseValid(text, country);
}

/** Numbers reserved for drama, which no numbering plan contains; the example of Cliniko uses one. */
const FICTIONAL = /^\+447700900\d{3}$/;

/** 15 digits, an international prefix and a 0. */
const DIGITS_AT_MOST = 20;

function parseValid(text: string, country?: CountryCode): string | null {
  // Long texts have many groups; the library does not need to check all their combinations.
  if (text.replace(/\D/g, '').length > DIGITS_AT_MOST) return null;
  const parsed = parsePhoneNumberFromString(text, {
    extract: false,
    ...(country !== undefined && { defaultCountry: country }),
  });
  if (parsed === undefined) return null;
  return parsed.isValid() || FICTIONAL.test(parsed.number) ? parsed.number : null;
}
