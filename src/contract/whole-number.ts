/**
 * A whole number from text that comes from outside: decimal digits only. `Number()` alone also accepts "", " 1", "1e3", "0x10"
 * and numbers too large to be exact. More than 15 digits are refused, so each result is exact.
 *
 * @returns undefined when the text is no whole number from `min` to `max`; the caller words the error
 */
export function parseWholeNumber(text: string, min: number, max: number): number | undefined {
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}
