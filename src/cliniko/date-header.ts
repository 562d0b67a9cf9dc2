/** The time of Cliniko's clock: the `Date` header of a response (RFC 9110, section 6.6.1). */
import type { IncomingHttpHeaders } from 'node:http';

const FIXED_FORM =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** @returns when the response was created, truncated to the second; undefined when the header is missing or malformed */
export function dateOf({ date: text }: IncomingHttpHeaders): Date | undefined {
  if (text === undefined || !FIXED_FORM.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
