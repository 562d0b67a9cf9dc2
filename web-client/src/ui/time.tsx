/** Times in the user's time zone and language. */
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
});
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
