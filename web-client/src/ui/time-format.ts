/** Formats of times, in the user's time zone and language. */

/** With seconds: "10:06:44". */
export const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
});
