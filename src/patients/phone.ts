/**
 * Phone numbers as people type them, read with the clinic's country in mind.
 *
 * A number counts only when it is valid in the numbering plan of its country; one that is merely long enough may belong
 * to another person. Cliniko's own reading comes first, then the first valid number of the text.
 *
 * Not `findPhoneNumbersInText`: it takes the 2 of "unit 2, 9123 4567" for an area code, and misses "call 5 0412 345 678".
 */
import {
  type CountryCode,
  isSupportedCountry,
  Metadata,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import type { WirePhone } from '../cliniko/wire.ts';

export interface FoundPhone {
  /** The first number that is valid; null when there is none. */
  e164: string | null;
  /** Whether a text was typed that holds no valid number. An empty field is not one. */
  invalid: boolean;
}

/** @param country ISO 3166-1 alpha-2 */
export function findPhone(phones: readonly WirePhone[], country: string): FoundPhone {
  if (phones.length === 0) return { e164: null, invalid: false };
  const plan = planOf(country);
  const numbers = phones.map(({ normalized, typed }) => readNormalized(normalized) ?? readTyped(typed, plan));
  return { e164: numbers.find((number) => number !== null) ?? null, invalid: numbers.includes(null) };
}

interface NumberingPlan {
  country: CountryCode | undefined;
  /** Whether national numbers begin with 0, as in Australia. */
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

/** The library has it, and its types leave it out. */
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
  return text !== null && /^[1-9][0-9]{6,14}$/.test(text) ? parseValid(`+${text}`) : null;
}

const ONLY_NUMBER = /^[+\d\s().\-/]+$/;
/** A spreadsheet took the number for a quantity. */
const DECIMAL_ZERO = /^(\d+)\.0+$/;
/** Longer ones hold more than phone numbers; what follows is not read. */
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

/** Letters, and the few digits that stick to them as in "2nd" and "5pm". */
const WORDS = /(?<!\d)\d{1,4}(?=\p{L})|(?<=\p{L})\d{1,4}(?!\d)|[\p{L}_']+/gu;

/** Stretches of digits and what stands between the digits of one number. Words separate them. */
function runsOf(text: string): { run: string; isFirst: boolean }[] {
  const runs = text.replace(WORDS, ',').matchAll(/\(?\+?\d[\d\s().-]*(?:\+\d[\d\s().-]*)*/g);
  return [...runs].map(({ 0: run, index }) => ({ run, isFirst: index === 0 }));
}

interface RunPlace {
  /** The text holds nothing but digits and their separators. */
  isOnlyNumber: boolean;
  /** The text begins with it. */
  isFirst: boolean;
}

const PREFIXED = /^\(?[+0]/;
const MIN_LEAD_DIGITS = 3;

/**
 * The first number of a run of digit groups. Groups before and after it have to be explained: by another number, or, beside
 * words, by being a short remark such as "call 5 …" and "… 2 kids".
 */
function readRun(groups: readonly string[], plan: NumberingPlan, place: RunPlace): string | null {
  for (const [start, lead] of groups.entries()) {
    if (start > 0 && (place.isOnlyNumber || !groups.slice(0, start).every(isRemark))) return null;
    if (!mayBegin(lead, plan, place, start)) continue;
    const number = longestFrom(groups.slice(start), plan, place);
    if (number !== null) return number;
  }
  return null;
}

function longestFrom(groups: readonly string[], plan: NumberingPlan, place: RunPlace): string | null {
  for (let end = groups.length; end > 0; end -= 1) {
    const rest = groups.slice(end);
    const isRemarks = !place.isOnlyNumber && rest.every(isRemark);
    if (rest.length > 0 && !isRemarks && parseNumber(rest.join(' '), plan) === null) continue;
    const number = parseNumber(groups.slice(0, end).join(' '), plan);
    if (number !== null) return number;
  }
  return null;
}

const isRemark = (group: string): boolean => /^\d{1,4}$/.test(group);

/** Without its 0 a national number could as well begin with a remark: only the first words of a text may be one. */
function mayBegin(lead: string, plan: NumberingPlan, place: RunPlace, start: number): boolean {
  if (PREFIXED.test(lead) || !plan.hasTrunkZero) return true;
  return place.isFirst && start === 0 && lead.length >= MIN_LEAD_DIGITS;
}

/** @param text digits and separators only */
function parseNumber(text: string, { country }: NumberingPlan): string | null {
  const international = /^\s*00\s*([1-9].*)$/s.exec(text)?.[1];
  const direct = international === undefined ? null : parseValid(`+${international}`);
  return direct ?? parseValid(text, country);
}

/** Reserved for drama, so in no numbering plan; Cliniko's own example has one. */
const FICTIONAL = /^\+447700900\d{3}$/;

/** 15, with an international prefix and a 0. */
const DIGITS_AT_MOST = 20;

function parseValid(text: string, country?: CountryCode): string | null {
  // Long texts have many groups: the library need not see their combinations.
  if (text.replace(/\D/g, '').length > DIGITS_AT_MOST) return null;
  const parsed = parsePhoneNumberFromString(text, {
    extract: false,
    ...(country !== undefined && { defaultCountry: country }),
  });
  if (parsed === undefined) return null;
  return parsed.isValid() || FICTIONAL.test(parsed.number) ? parsed.number : null;
}
