/** A page that Cliniko holds back, so that a run is seen in its middle however fast the machine is. */
import { expect, vi } from 'vitest';
import type { TestServer } from './server.ts';

/** @returns lets the page go, now or when it is asked for */
export function holdPage({ cliniko: { faults } }: Pick<TestServer, 'cliniko'>, page: number): () => void {
  faults.onPage(page, { kind: 'hang' });
  return () => {
    faults.clear();
    faults.release();
  };
}

/**
 * Holds pages 2 to 7 of a clinic of 648 patients, so that a bar is seen to move however slow its browser is. The run must request
 * one page at a time (`concurrency: 1`), because all pages that hang are let go together.
 * @returns lets one page go after the other, each when it was requested and the bar has another value than at the page before
 */
export function holdLaterPages({ cliniko }: Pick<TestServer, 'cliniko'>) {
  const pages = [2, 3, 4, 5, 6, 7];
  for (const page of pages) cliniko.faults.onPage(page, { kind: 'hang', times: 1 });
  return async (barValues: () => Promise<number[]>): Promise<void> => {
    let seen = 0;
    for (const page of pages) {
      await cliniko.requested((request) => request.page === page);
      seen = await vi.waitFor(async () => {
        const { length } = await barValues();
        expect(length).toBeGreaterThan(seen);
        return length;
      });
      cliniko.faults.release();
    }
  };
}
