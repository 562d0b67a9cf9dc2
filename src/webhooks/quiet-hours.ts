/** Quiet hours by the clock on the wall of their time zone, so they hold across midnight and changes of daylight saving. */
import type { QuietHours } from '#contract/webhook-endpoint.ts';

/** In an hour that the clock passes twice, the same times are quiet both times. */
export function isQuiet(hours: QuietHours | null, at: Date): boolean {
  if (hours === null) return false;
  const { from, to, time_zone } = hours;
  const now = wallClock(at, time_zone);
  return from < to ? from <= now && now < to : from <= now || now < to;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** @returns when they end; undefined when it is not quiet */
export function quietUntil(hours: QuietHours | null, at: Date): Date | undefined {
  if (hours === null || !isQuiet(hours, at)) return undefined;
  const minute = new Date(at.getTime() - (at.getTime() % MINUTE_MS));
  const planned = later(minute, minutesFrom(wallClock(minute, hours.time_zone), hours.to));
  const corrected = correctedTo(hours, planned);
  let end = corrected < minute ? minute : corrected;
  // An end that the clock skips: it is past once the clock has passed it.
  while (isQuiet(hours, end)) end = later(end, 1);
  return end;
}

/** When they ended last, seen from a time at which it is not quiet. */
export function lastQuietEnd({ to, time_zone }: QuietHours, at: Date): Date {
  const minute = new Date(at.getTime() - (at.getTime() % MINUTE_MS));
  return correctedTo({ to, time_zone }, later(minute, -minutesFrom(to, wallClock(minute, time_zone))));
}

/** By the part of a day that the clock was put forward or back on the way. */
function correctedTo({ to, time_zone }: Pick<QuietHours, 'to' | 'time_zone'>, end: Date): Date {
  const off = minutesFrom(wallClock(end, time_zone), to);
  return later(end, off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off);
}

const later = (time: Date, minutes: number) => new Date(time.getTime() + minutes * MINUTE_MS);

/** From one time of the day forward to another one. */
function minutesFrom(one: string, other: string): number {
  return (minuteOfDay(other) - minuteOfDay(one) + DAY_MINUTES) % DAY_MINUTES;
}

function minuteOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** `HH:MM`, whose order as text is the order of the day. */
function wallClock(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: 'hour' | 'minute') => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('hour')}:${part('minute')}`;
}
