/** The poll: one request at a time, and none that never ends. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startPolling } from '../../web-client/src/live/poll.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that answers nothing. */
function pollSilence() {
  const signals: AbortSignal[] = [];
  const reported: string[] = [];
  const poll = startPolling({
    url: '/logs',
    access: {},
    since: null,
    intervalMs: 2_000,
    fetch: (_url, request) =>
      new Promise((_resolve, reject) => {
        const signal = request?.signal ?? new AbortController().signal;
        signals.push(signal);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    onState: () => reported.push('state'),
    onUnchanged: () => reported.push('unchanged'),
    onFailure: () => reported.push('failure'),
  });
  return { poll, signals, reported };
}

test('a request without an answer fails after 10 seconds, and the next one follows', async () => {
  const { poll, signals, reported } = pollSilence();
  await vi.advanceTimersByTimeAsync(9_900);
  expect(reported).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(reported).toEqual(['failure']);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(signals).toHaveLength(2);
  poll.stop();
});

test('a request that is replaced or stopped ends, and is no failure', async () => {
  const { poll, signals, reported } = pollSilence();
  await vi.advanceTimersByTimeAsync(0);
  poll.now();
  await vi.advanceTimersByTimeAsync(0);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  poll.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(reported).toEqual([]);
});
