import { expect, test } from 'vitest';
import { safeError } from '../../src/logging/safe-error.ts';

test('an error is logged without its message, also where a line of it looks like a frame', () => {
  const { error, at = [] } = safeError(new TypeError('A note\n    at Quokka 10:30:00\n(Quokka:1:1)'));
  expect(error).toBe('TypeError');
  expect(at.length).toBeGreaterThan(0);
  expect(at.join('')).not.toContain('Quokka');
  expect(at[0]).toMatch(/safe-error\.test\.ts:\d+:\d+\)?$/);
});
