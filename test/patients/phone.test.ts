/** The stored number comes from the typed text, and is never the number of another person. */
import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json';
import {
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import { describe, expect, test } from 'vitest';
import { findPhone } from '../../src/patients/phone.ts';

const read = (typed: string, country = 'AU', normalized: string | null = null) =>
  findPhone([{ typed, normalized }], country);

describe('a text', () => {
  test.for([
    ['0491 570 006', '+61491570006'],
    ['(03) 5300 5550', '+61353005550'],
    ['+44 7700 900123', '+447700900123'],
    ['0011 1 202 555 0143', '+12025550143'],
    ['0061 412 345 678', '+61412345678'],
    ['61 412 345 678', '+61412345678'],
    ['+61 (0) 412 345 678', '+61412345678'],
    ['61412345678.0', '+61412345678'],
    ['02/9123 4567', '+61291234567'],
    ['0412‑345‑678', '+61412345678'],
    ['０４１２ ３４５ ６７８', '+61412345678'],
    ['\u202a+61 412 345 678\u202c', '+61412345678'],
    ['1300 123 456', '+611300123456'],
  ] as const)('%s is the number %s', ([typed, e164]) => {
    expect(read(typed)).toEqual({ e164, invalid: false });
  });

  test.for([
    ['0412 345 678 (mum)', '+61412345678'],
    ['m0412345678', '+61412345678'],
    ['412 345 678 mum', '+61412345678'],
    ['0412 345 678 (unit 5)', '+61412345678'],
    ['0412 345 678 ext 12', '+61412345678'],
    ['0412 345 678 after 5pm', '+61412345678'],
    ['0412 345 678 2 kids', '+61412345678'],
    ['call 5 0412 345 678', '+61412345678'],
    ['born 12.04.1985 0412345678', '+61412345678'],
    ['0412 345 678 0498 765 432', '+61412345678'],
    ['0412345678/0498765432', '+61412345678'],
    ['0412 345 678 or 0498 765 432', '+61412345678'],
    ['+61412345678+61498765432', '+61412345678'],
    ['0412 345 678\n0498 765 432', '+61412345678'],
    ['9123 4567, 0412 345 678', '+61412345678'],
  ] as const)('%s has the first number %s', ([typed, e164]) => {
    expect(read(typed)).toEqual({ e164, invalid: false });
  });

  test.for([
    ['none'],
    ['12'],
    ['ask at the desk'],
    ['9123 4567'],
    ['+61 9123 4567'],
    ['614123456780.0'],
    ['0412 345 678 901 234 567'],
    ['04123456780498765432'],
    ['0412 345 67'],
    ['unit 2 9123 4567'],
    ['2/9123 4567'],
    ['9123 4567 2nd floor'],
    ['3123 4567 2nd'],
    ['id 412345678'],
    ['6.1412345678E10'],
    ['+0412345678'],
  ] as const)('%s holds no number, and is invalid', ([typed]) => {
    expect(read(typed)).toEqual({ e164: null, invalid: true });
  });

  test.for([
    ['US', 'home 212-555-0123', '+12125550123'],
    ['SG', '9123 4567', '+6591234567'],
    ['FR', '06 12 34 56 78', '+33612345678'],
    ['DE', '030/901820', '+4930901820'],
    ['GB', '0044 7911 123456', '+447911123456'],
    ['XX', '+61 412 345 678', '+61412345678'],
    ['XX', '0412 345 678', null],
  ] as const)('is read by the plan of %s: %s', ([country, typed, e164]) => {
    expect(read(typed, country).e164).toBe(e164);
  });
});

describe('a hostile record', () => {
  test.for([
    ['AU', 'call '.padEnd(200, '0 ')],
    ['US', 'call '.padEnd(200, '1 ')],
  ] as const)('of %s with a thousand senseless texts does not block the server', ([country, typed]) => {
    const startedAt = performance.now();
    const phones = Array.from({ length: 1_000 }, () => ({ typed, normalized: null }));
    expect(findPhone(phones, country)).toEqual({ e164: null, invalid: true });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("Cliniko's own reading", () => {
  test('comes first, when it is a valid number', () => {
    expect(read('9123 4567', 'AU', '61291234567')).toEqual({ e164: '+61291234567', invalid: false });
    expect(read('0491 570 006', 'AU', '6191234567').e164).toBe('+61491570006');
    expect(read('0491 570 006', 'AU', 'unknown').e164).toBe('+61491570006');
    expect(read('9123 4567', 'AU', '6191234567')).toEqual({ e164: null, invalid: true });
  });

  test('is the number that the library parses, in every country but one', () => {
    // Parsing takes the 8 after the code of Belarus for a national prefix, which a normalized number does not have.
    const codes = [...new Set(getCountries().map((country) => getCountryCallingCode(country)))].filter(
      (code) => code !== '375',
    );
    expect(read('', 'AU', '3758104911911').e164).toBe('+3758104911911');
    const digits = fc.string({
      unit: fc.constantFrom(...'0123456789'),
      minLength: 6,
      maxLength: 11,
    });
    fc.assert(
      fc.property(fc.constantFrom(...codes), digits, (code, national) => {
        const parsed = parsePhoneNumberFromString(`+${code}${national}`, { extract: false });
        const e164 = parsed?.isValid() === true ? parsed.number : null;
        expect(read('-', 'AU', `${code}${national}`)).toEqual({ e164, invalid: e164 === null });
      }),
      { numRuns: 2_000 },
    );
  });

  test.for(getCountries())('may be a number of %s', (country) => {
    const { number = '' } = getExampleNumber(country, examples) ?? {};
    expect(read('', 'AU', number.slice(1))).toEqual({ e164: number, invalid: false });
  });
});

describe('any text', () => {
  const pieces = fc.constantFrom(
    ...[
      '0',
      '4',
      '12',
      '0412',
      '345',
      '678',
      '0412345678',
      '+61',
      '61',
      '9123 4567',
      ' ',
      '-',
      '/',
      '(',
      ')',
      '.',
    ],
    ...['unit', 'mum', 'ext', '2nd', ', ', '\n', '.0', '+', '00', '0011', '😀', '٠٤١٢'],
  );
  const typed = fc.oneof(fc.string({ unit: pieces, maxLength: 12 }), fc.string({ unit: 'grapheme' }));
  const countries = fc.constantFrom('AU', 'NZ', 'GB', 'US', 'SG', 'FR', 'DE', 'XX', '');

  test('a number is valid in its plan and its digits were typed, or there is a warning', () => {
    fc.assert(
      fc.property(typed, countries, (text, country) => {
        const { e164, invalid } = read(text, country);
        expect(invalid).toBe(e164 === null);
        if (e164 === null) return;
        const parsed = parsePhoneNumberFromString(e164);
        expect(parsed?.isValid()).toBe(true);
        expect(text.normalize('NFKC').replace(/\D/g, '')).toContain(parsed?.nationalNumber);
      }),
      { numRuns: 500 },
    );
  });

  test('a valid number is found in every spelling, alone and beside remarks', () => {
    const mobile = fc.integer({ min: 0, max: 9_999_999 }).map((n) => `41${String(n).padStart(7, '0')}`);
    const prefix = fc.constantFrom('0', '+61', '+61 ', '0061 ', '61 ');
    const separator = fc.constantFrom(' ', '-', '.', '');
    const remark = fc.constantFrom(
      '',
      ' (wife)',
      ' - after 5pm',
      ' Marnie',
      ', 2 kids',
      ' / 0498 765 432',
      ' ext 3',
    );
    fc.assert(
      fc.property(mobile, prefix, separator, remark, (nsn, start, between, end) => {
        const spelled = [nsn.slice(0, 3), nsn.slice(3, 6), nsn.slice(6)].join(between);
        // Without a plus, remarks make a country code a number like any other.
        fc.pre(start !== '61 ' || end === '');
        expect(read(`${start}${spelled}${end}`).e164).toBe(`+61${nsn}`);
      }),
      { numRuns: 500 },
    );
  });
});
