/** Formats of times, in the user's time zone and language. */

/** With seconds: "10:06:44". */
export const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

const DAY_AND_TIME_PARTS = {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
} as const satisfies Intl.DateTimeFormatOptions;

const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, DAY_AND_TIME_PARTS);
const YEAR_DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { ...DAY_AND_TIME_PARTS, year: 'numeric' });

/** "13 May, 8:11 am". With the year where a reader would take it for the present one. */
export function dayAndTimeText(at: Date): string {
  return (needsYear(at) ? YEAR_DAY_AND_TIME : DAY_AND_TIME).format(at);
}

/** The same by the clocks of another time zone. @throws RangeError when the browser does not know the zone */
export function dayAndTimeInZone(at: Date, timeZone: string): string {
  const parts = needsYear(at) ? { ...DAY_AND_TIME_PARTS, year: 'numeric' as const } : DAY_AND_TIME_PARTS;
  return new Intl.DateTimeFormat(undefined, { ...parts, timeZone }).format(at);
}

/** On New Year's Eve "1 Jan" is the next day: a near time of another year is clear, and columns are narrow. */
const CLEAR_FOR_MS = 182 * 86_400_000;

function needsYear(at: Date): boolean {
  const now = new Date();
  return at.getFullYear() !== now.getFullYear() && Math.abs(at.getTime() - now.getTime()) > CLEAR_FOR_MS;
}

const UNITS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/**
 * "5 minutes ago", "in 9 hours", "now". Always a number: "tomorrow" would be wrong for a time 30 hours away.
 *
 * @param at ISO 8601
 * @param language default: the reader's
 */
export function relativeText(at: string, nowMs: number, language?: string): string {
  const ms = Date.parse(at) - nowMs;
  for (const [unit, unitMs] of UNITS) {
    if (Math.abs(ms) < unitMs) continue;
    return new Intl.RelativeTimeFormat(language).format(Math.trunc(ms / unitMs), unit);
  }
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(0, 'second');
}
