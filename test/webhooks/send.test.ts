/** What a receiver asks for: a delay in seconds, with a fraction as some services write it, or until a date. */
import { expect, test } from 'vitest';
import { readRetryAfter } from '../../src/webhooks/send.ts';

test('Retry-After is read in every form, and nothing else is a delay', () => {
  const now = Date.parse('2026-11-29T02:00:00Z');
  expect(readRetryAfter('30', now)).toBe(30);
  expect(readRetryAfter('0.65', now)).toBe(1);
  expect(readRetryAfter('Sun, 29 Nov 2026 02:01:30 GMT', now)).toBe(90);
  for (const none of ['', '0', '-5', 'soon', 'Infinity', '1e9', 'Sun, 29 Nov 2026 01:00:00 GMT', undefined])
    expect(readRetryAfter(none, now)).toBeNull();
});
