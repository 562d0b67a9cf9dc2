/** A page that Cliniko holds back, so that a run is seen in its middle however fast the machine is. */
import type { TestServer } from './server.ts';

/** @returns lets the page go, now or when it is asked for */
export function holdPage({ cliniko: { faults } }: Pick<TestServer, 'cliniko'>, page: number): () => void {
  faults.onPage(page, { kind: 'hang' });
  return () => {
    faults.clear();
    faults.release();
  };
}
