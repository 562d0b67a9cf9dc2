/** The limit of requests that one run has in flight. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { limitConcurrentRequests } from '../../src/cliniko/concurrent-requests.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

const query = (page: number) => ({ page, perPage: 10, filters: [], sort: 'created_at:asc,id:asc' });
const unlimited = () => ({ signal: new AbortController().signal });

test('requests are sent in the order of the calls, at most that many at once, and each is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(12), async (limit, count) => {
      const whole = scriptedSource(people(130));
      const source = limitConcurrentRequests(whole, limit);
      const pages = Array.from({ length: count }, (_, index) => index + 1);
      const answers = await Promise.all(pages.map((page) => source.page(query(page), unlimited())));
      expect(answers.map(({ records }) => records.length)).toEqual(pages.map(() => 10));
      expect(whole.asked).toEqual(pages);
      expect(whole.mostAtOnce).toBe(Math.min(limit, count));
    }),
  );
});

test('a request that fails or is aborted lets the next one through', async () => {
  const failing: PatientSource = {
    estimateWaitMs: () => 7,
    page: async (_query, { signal }) => {
      signal.throwIfAborted();
      throw new Error('No answer.');
    },
  };
  const source = limitConcurrentRequests(failing, 1);
  const aborted = AbortSignal.abort(new Error('Stopped.'));
  const answers = await Promise.allSettled([
    source.page(query(1), unlimited()),
    source.page(query(2), { signal: aborted }),
    source.page(query(3), unlimited()),
  ]);
  expect(answers).toMatchObject(
    ['No answer.', 'Stopped.', 'No answer.'].map((message) => ({ status: 'rejected', reason: { message } })),
  );
  expect(source.estimateWaitMs(3)).toBe(7);
});

test('a request that waits for its place is rejected at once when aborted, and takes none', async () => {
  const answers: (() => void)[] = [];
  const page = { records: [], totalEntries: 0, hasNext: false };
  const source = limitConcurrentRequests(
    { estimateWaitMs: () => 0, page: () => new Promise((resolve) => answers.push(() => resolve(page))) },
    1,
  );
  const stop = new AbortController();
  const first = source.page(query(1), unlimited());
  const second = source.page(query(2), { signal: stop.signal });
  const third = source.page(query(3), unlimited());
  stop.abort(new Error('Stopped.'));
  await expect(second).rejects.toThrow('Stopped.');
  answers.shift()?.();
  await first;
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  answers.shift()?.();
  expect(await third).toBe(page);
});
