/** Formats of times, in the user's time zone and language. */

/** With seconds: "10:06:44". */
export const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export const DAY_AND_TIME_PARTS = {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
} as const satisfies Intl.DateTimeFormatOptions;

export const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, DAY_AND_TIME_PARTS);

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
