import { expect, test } from 'vitest';
import { matchesEtag } from '../../src/http/etag.ts';

test.each([
  ['"a.1"', true],
  ['W/"a.1"', true],
  ['"a.0", W/"a.1"', true],
  ['*', true],
  ['"a.10"', false],
  ['', false],
  [undefined, false],
])('the answer "a.1" is the one of If-None-Match: %s', (ifNoneMatch, isSame) => {
  expect(matchesEtag(ifNoneMatch, '"a.1"')).toBe(isSame);
});
