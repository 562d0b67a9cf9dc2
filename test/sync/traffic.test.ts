/** What a run knows of Cliniko's answers, for its remaining time. */
import { expect, test } from 'vitest';
import { createTraffic } from '../../src/sync/traffic.ts';

test.for([
  ['at once', 20, 'full_patients', 1],
  ['noticeably later', 120, 'full_patients', 0],
  ['noticeably later', 1_000, 'full_patients', 0],
  ['too late for an early catch-up scan', 1_500, 'full_patients', 1],
  ['noticeably later', 120, 'active_patients', 1],
  ['noticeably later', 120, 'changed_patients', 0],
] as const)(
  'a Cliniko that answers %s (%i ms) delays the end of %s by %i answers',
  ([, answerMs, type, answers]) => {
    const traffic = createTraffic(type, 0, 4);
    expect(traffic.closingMs).toBe(0);
    for (let page = 0; page < 3; page++) traffic.pageRequested(0).arrived({ records: 100, answerMs });
    expect(traffic.closingMs).toBe(answers * answerMs);
  },
);
