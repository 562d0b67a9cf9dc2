/** The public settings of an account, in the forms that Cliniko's answers are known to have, and in others. */
import { describe, expect, test } from 'vitest';
import { readAccountSettings } from '../../src/cliniko/account-settings.ts';
import { ClinikoError } from '../../src/cliniko/error.ts';

const read = (account: Record<string, unknown>) => readAccountSettings({ account });

describe('the public settings of an account', () => {
  test.for([
    ['Australia/Melbourne', 'Australia/Melbourne'],
    ['Melbourne', 'Australia/Melbourne'],
    ['Hong Kong', 'Asia/Hong_Kong'],
    ['Eastern Time (US & Canada)', 'America/New_York'],
    ['Wellington', 'Pacific/Auckland'],
    ['UTC', 'UTC'],
    ['(GMT+10:00) Melbourne', 'Australia/Melbourne'],
    ['(GMT-05:00) Eastern Time (US & Canada)', 'America/New_York'],
    ['(UTC) UTC', 'UTC'],
    ['(GMT+00:00)', null],
    ['(GMT+10:00) Atlantis', null],
    ['Atlantis/Capital', null],
    ['Atlantis', null],
    ['', null],
    [null, null],
    [undefined, null],
    [10, null],
  ])('name the time zone %j as %j', ([label, timeZone]) => {
    expect(read({ time_zone: label })).toMatchObject({ timeZone });
  });

  test.for([
    [{ country: 'Australia' }, 'AU'],
    [{ country: 'United States', country_code: 'US' }, 'US'],
    [{ country: 'united kingdom' }, 'GB'],
    [{ country: 'Elsewhere', country_code: 'nz' }, 'NZ'],
    [{ country: 'Elsewhere' }, null],
    [{ country_code: 'XX' }, null],
    [{ country: null }, null],
    [{}, null],
  ] as const)('name the country of %j as %j', ([account, country]) => {
    expect(read(account)).toMatchObject({ country });
  });

  test('name the clinic, unless its name could not be stored', () => {
    expect(read({ name: ' Wattle Grove ' })).toMatchObject({ name: 'Wattle Grove' });
    expect(read({ name: 'a\u0000b' })).toMatchObject({ name: null });
    expect(read({ name: 'x'.repeat(201) })).toMatchObject({ name: null });
  });

  test.for([null, 'text', {}, { account: null }])('are unreadable in the answer %j', (body) => {
    expect(() => readAccountSettings(body)).toThrow(ClinikoError);
  });
});
