/** The lock of the leading tab, with a browser that grants it when the test says so. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { requestLeaderLock } from '../../web-client/src/live/leader-lock.ts';

interface Request {
  signal?: AbortSignal;
  steal?: boolean;
}

test('a tab that takes the lock from a silent leader withdraws its own request, and is no follower by that', async () => {
  const requests: Request[] = [];
  vi.stubGlobal('navigator', {
    locks: {
      request: (_name: string, options: Request, hold: () => Promise<void>) =>
        new Promise((_resolve, reject) => {
          requests.push(options);
          options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
          if (options.steal) setImmediate(hold);
        }),
    },
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const reported: string[] = [];
  const lock = requestLeaderLock('a clinic', {
    onGained: () => reported.push('gained'),
    onLost: () => reported.push('lost'),
  });
  lock.steal();
  await vi.waitFor(() => expect(reported).toContain('gained'));
  expect(reported).toEqual(['gained']);
  expect(requests.map(({ steal, signal }) => steal ?? signal?.aborted)).toEqual([true, true]);
  lock.steal();
  expect(requests).toHaveLength(2);
  lock.release();
});
