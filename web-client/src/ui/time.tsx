/** Times in the user's time zone and language. */
import { useNow } from '../hooks/use-now.ts';
import { CLOCK, dayAndTimeInZone, dayAndTimeText, relativeText, TIME } from './time-format.ts';
import { useToday } from './use-today.ts';

const EVERYTHING = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** The exact time and how far away it is. @param at ISO 8601 */
export function MomentAndDistance({ at }: { at: string }) {
  const now = useNow(true, 30_000);
  return (
    <>
      <Moment at={at} /> <span className="soft distance">{relativeText(at, now)}</span>
    </>
  );
}

export interface ClinicTimeProps {
  /** ISO 8601. */
  at: string;
  /** Null: not known. */
  timeZone: string | null;
}

/** The reader's time and the distance; and the clinic's own time where the zones differ. */
export function ClinicTime({ at, timeZone }: ClinicTimeProps) {
  const now = useNow(true, 30_000);
  const own = dayAndTimeText(new Date(at));
  const theirs = timeZone === null ? null : inZone(at, timeZone);
  return (
    <>
      <DayAndTime at={at} /> <span className="distance">({relativeText(at, now)})</span>{' '}
      {theirs !== null && theirs !== own && (
        <span className="distance">
          {theirs} in {timeZone?.split('/').at(-1)?.replaceAll('_', ' ')}
        </span>
      )}
    </>
  );
}

/** @returns null when the browser does not know the zone */
function inZone(at: string, timeZone: string): string | null {
  try {
    return dayAndTimeInZone(new Date(at), timeZone);
  } catch {
    return null;
  }
}

/** Without the date on the same day. @param at ISO 8601 */
export function Moment({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === useToday();
  return (
    <time dateTime={at} title={EVERYTHING.format(date)}>
      {isToday ? TIME.format(date) : dayAndTimeText(date)}
    </time>
  );
}

/** With seconds on the same day. @param at milliseconds by the clock of the server */
export function ClockTime({ at }: { at: number }) {
  const date = new Date(at);
  return date.toDateString() === useToday() ? CLOCK.format(date) : dayAndTimeText(date);
}

/** With the date. @param at ISO 8601 */
export function DayAndTime({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={EVERYTHING.format(date)}>
      {dayAndTimeText(date)}
    </time>
  );
}
