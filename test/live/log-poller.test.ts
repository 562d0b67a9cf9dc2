/** How often the log is read: each read costs the database a statement, whether it finds one event or many. */
import { describe, expect, test, vi } from 'vitest';
import { createLogPoller, type LogPoller } from '../../src/live/log-poller.ts';

const SPACING_MS = 20;
const loopTurn = () => new Promise(setImmediate);

/** A poller that notes each read: when it began, and of which organizations. */
function openPoller(readNewEvents = async (_ids: readonly number[]): Promise<number[]> => []) {
  const reads: { at: number; ids: readonly number[] }[] = [];
  const poller = createLogPoller({
    readNewEvents(ids) {
      reads.push({ at: performance.now(), ids });
      return readNewEvents(ids);
    },
    findMissed: async () => {},
    isHealthy: () => true,
    onFailure: () => {},
    spacingMs: SPACING_MS,
  });
  return { poller, reads };
}

/** A nudge for one organization after the other, in each loop turn, for the time of several reads. */
async function nudge(poller: LogPoller, reads: readonly unknown[]): Promise<number> {
  let organization = 0;
  while (reads.length < 4) {
    poller.read([++organization]);
    await loopTurn();
  }
  return organization;
}

describe('reads of new events', () => {
  test('begin at once after a pause', () => {
    const { poller, reads } = openPoller();
    poller.read([7]);
    expect(reads.map(({ ids }) => ids)).toEqual([[7]]);
    poller.stop();
  });

  test('keep their distance, and each reads all that was asked for since the one before', async () => {
    const { poller, reads } = openPoller();
    const begin = performance.now();
    const last = await nudge(poller, reads);
    await vi.waitFor(() => expect(reads.at(-1)?.ids).toContain(last));

    expect(reads.flatMap(({ ids }) => ids)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    // Not from one to the next: a read is noted a moment after it began.
    for (const [index, { at }] of reads.entries())
      expect(at - begin).toBeGreaterThanOrEqual(index * SPACING_MS);
    poller.stop();
  });

  test('leave an organization behind until its read has ended', async () => {
    let end = (): void => {};
    const { poller, reads } = openPoller(
      () =>
        new Promise((resolve) => {
          end = () => resolve([]);
        }),
    );
    poller.read([7]);
    poller.read([8]);
    expect([7, 8, 9].map(poller.isBehind)).toEqual([true, true, false]);
    end();
    // The second read waits for its time: its organization is still behind.
    await vi.waitFor(() => expect(poller.isBehind(7)).toBe(false));
    expect(poller.isBehind(8)).toBe(true);
    await vi.waitFor(() => expect(reads).toHaveLength(2));
    end();
    await vi.waitFor(() => expect(poller.isBehind(8)).toBe(false));
    poller.stop();
  });

  test('end with the poller, also one that waits for its time', async () => {
    const { poller, reads } = openPoller();
    poller.read([7]);
    await loopTurn();
    poller.read([8]);
    poller.stop();
    const later = openPoller();
    later.poller.read([9]);
    await loopTurn();
    later.poller.read([9]);
    // Asked for later, with the same distance.
    await vi.waitFor(() => expect(later.reads).toHaveLength(2));
    expect(reads.map(({ ids }) => ids)).toEqual([[7]]);
    later.poller.stop();
  });
});
