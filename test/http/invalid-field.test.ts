import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { OperationRequest } from '#contract/bulk-operation.ts';
import { ClientFrame } from '#contract/client-frame.ts';
import { ClinikoCredentials, OrganizationChange } from '#contract/organization.ts';
import { NewWebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { parseFields } from '../../src/http/invalid-field.ts';

function detailOf(schema: z.core.$ZodType, value: unknown): string | undefined {
  const parsed = parseFields(schema, value, 'body');
  return 'invalid' in parsed ? parsed.invalid.detail : undefined;
}

const ONE_SCHEDULE = { cron: '0 2 * * *', time_zone: 'UTC' };

describe('the sentence about an invalid field', () => {
  test.for([
    [OrganizationChange, [], '"body" must be an object.'],
    [OrganizationChange, { nmae: 'x' }, '"nmae" is not a known field.'],
    [OrganizationChange, { name: 5 }, '"name" must be a text.'],
    [OrganizationChange, { name: ' ' }, '"name" must have at least 1 character.'],
    [OrganizationChange, { name: 'x'.repeat(201) }, '"name" must have at most 200 characters.'],
    [OrganizationChange, { paused: 'yes' }, '"paused" must be true or false.'],
    [OrganizationChange, { validation: { phone: 'no' } }, '"validation.phone" must be one of warn, reject.'],
    [OrganizationChange, { time_zone: 'Mars' }, /^"time_zone" must be an IANA time zone/],
    [ClinikoCredentials, {}, '"api_key" is missing: it must be a text.'],
    [OperationRequest, { action: 'start', filter: {} }, '"filter" needs at least one filter.'],
    [OperationRequest, { action: 'start', filter: { error_type: ['x'] } }, /must be an error type such as/],
    [NewWebhookEndpoint, { organizations: '*', email: 'x' }, '"email" must be an email address.'],
    [NewWebhookEndpoint, { organizations: '*', quiet_hours: {} }, /^"quiet_hours.from" is missing: it must/],
    [ClientFrame, { type: 'ping', id: 'a' }, '"id" is not a known field.'],
  ] as const)('%#: says what it may be', ([schema, value, detail]) => {
    if (typeof detail === 'string') expect(detailOf(schema, value)).toBe(detail);
    else expect(detailOf(schema, value)).toMatch(detail);
  });

  test.for([
    [{ organizations: 'all' }, '"organizations" must be "*" or a list.'],
    [{}, '"organizations" is missing: it must be "*" or a list.'],
    [{ organizations: [] }, '"organizations" must have at least 1 entry.'],
    [{ organizations: ['123'] }, '"organizations.0" must be a number.'],
    [{ organizations: [1.5] }, '"organizations.0" must be a whole number.'],
    [{ organizations: [0] }, '"organizations.0" must be at least 1.'],
  ] as const)('of several forms is about the form that %j has, else names all', ([value, detail]) => {
    expect(detailOf(NewWebhookEndpoint, value)).toBe(detail);
  });

  test('of a schedule names what is wrong with it', () => {
    const ofSchedule = (schedule: unknown) => detailOf(OrganizationChange, { schedule });
    expect(ofSchedule('0 2 * * *')).toBe('"schedule" must be an object or a list.');
    expect(ofSchedule({ ...ONE_SCHEDULE, mode: 'x' })).toBe(
      '"schedule.mode" must be one of full, active, changed.',
    );
    expect(ofSchedule([ONE_SCHEDULE, null])).toBe('"schedule.1" must be an object.');
    expect(ofSchedule(Array(5).fill(ONE_SCHEDULE))).toBe('"schedule" must have at most 4 entries.');
  });

  test('has no words of the validator, and no value', () => {
    const schema = z.object({ code: z.string().regex(/^a+$/) });
    expect(detailOf(schema, { code: 'secret' })).toBe('"code" is not valid.');
  });
});
