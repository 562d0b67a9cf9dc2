/**
 * JSON with numbers that do not fit a JavaScript number: JSON.parse rounds an id of 19 digits, and turns 1e400 into Infinity.
 * Such a number becomes a string with its exact digits.
 */
import { PageScanner } from './page-scanner.ts';

/** @param hasWideNumbers whether there may be such numbers; to look for them takes longer than to parse */
export function parseExactly(json: string, hasWideNumbers: boolean): unknown {
  return JSON.parse(hasWideNumbers ? withQuotedNumbers(json) : json);
}

/** The JSON text with each wide number as a string, unless JavaScript represents it exactly. */
function withQuotedNumbers(json: string): string {
  const bytes = Buffer.from(json);
  const scanner = new PageScanner(bytes);
  scanner.skipValue();
  let text = '';
  let from = 0;
  for (const { start, end } of scanner.wideNumbers) {
    const digits = bytes.toString('latin1', start, end);
    text += bytes.toString('utf8', from, start) + (isExact(digits) ? digits : `"${digits}"`);
    from = end;
  }
  return text + bytes.toString('utf8', from);
}

/** 1412087736654301200 is written like the number that JSON.parse makes of it, and of its neighbours. */
function isExact(digits: string): boolean {
  const value: unknown = JSON.parse(digits);
  return String(value) === digits && (!Number.isInteger(value) || Number.isSafeInteger(value));
}
