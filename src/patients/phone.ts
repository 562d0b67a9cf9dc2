/** Phone numbers as people type them, read with the clinic's country in mind. */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';

export interface FoundPhone {
  /** The first number that is one; null when there is none. */
  e164: string | null;
  /** Whether something was typed that is no phone number. An empty field is not. */
  invalid: boolean;
}

/** @param country ISO 3166-1 alpha-2 */
export function findPhone(typed: readonly string[], country: string): FoundPhone {
  const numbers = typed.map((text) => read(text, country));
  return { e164: numbers.find((number) => number !== null) ?? null, invalid: numbers.includes(null) };
}

/** Words around a number are common ("0412 345 678 (mum)") and do not make it invalid; a wrong length does. */
function read(text: string, country: string): string | null {
  const region = isSupportedCountry(country) ? country : undefined;
  const parsed = parsePhoneNumberFromString(text, region === undefined ? {} : { defaultCountry: region });
  return parsed?.isPossible() ? parsed.number : null;
}
