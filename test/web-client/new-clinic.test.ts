/** The form of a clinic that is added. */
import { describe, expect, test } from 'vitest';
import { newClinicDraft, newClinicErrors, nextFreeId } from '../../web-client/src/dashboard/new-clinic.ts';

describe('a new clinic', () => {
  test('gets the next free id, and a free one between others after the last possible one', () => {
    expect(nextFreeId([])).toBe(1);
    expect(nextFreeId([123, 7])).toBe(124);
    expect(nextFreeId([1, 2, 2_147_483_647])).toBe(3);
  });

  test('has what Cliniko tells, and asks for the rest', () => {
    expect(newClinicDraft({ name: 'Wattle Grove', country: null, time_zone: null }, 5)).toEqual({
      id: '5',
      name: 'Wattle Grove',
      country: '',
      timeZone: '',
    });
    expect(Object.keys(newClinicErrors(newClinicDraft(null, 5)))).toEqual(['name', 'country', 'timeZone']);
  });

  test.for(['', '0', '12x', '2147483648'])('cannot have the id %j', (id) => {
    const draft = { id, name: 'Wattle Grove', country: 'AU', timeZone: 'Australia/Perth' };
    expect(Object.keys(newClinicErrors(draft))).toEqual(['id']);
    expect(newClinicErrors({ ...draft, id: ' 12 ' })).toEqual({});
  });
});
