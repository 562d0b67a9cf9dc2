/** What Cliniko's own clock says: the `Date` of an answer, as RFC 9110 (6.6.1) has it. */

const FIXED_FORM =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** @returns when the answer was made, cut to the second; undefined when it does not say so in the one form that is allowed */
export function dateOf(headers: Headers): Date | undefined {
  const text = headers.get('date');
  if (text === null || !FIXED_FORM.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
