/** Times in the user's time zone and language. */
import { DAY_AND_TIME, TIME } from './time-format.ts';

const EVERYTHING = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** Without the date on the same day. @param at ISO 8601 */
export function Moment({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={EVERYTHING.format(date)}>
      {(isToday ? TIME : DAY_AND_TIME).format(date)}
    </time>
  );
}

/** With the date. @param at ISO 8601 */
export function DayAndTime({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={EVERYTHING.format(date)}>
      {DAY_AND_TIME.format(date)}
    </time>
  );
}
