/** Starts the process with the simulated clinics, and asks it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { answerOf, ask } from '../bench/processes.ts';
import { SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import type { ClinicsOptions, ClinikoOrder } from './cliniko-orders.ts';

export interface Cliniko {
  /** Ends in `/v1`. */
  url: string;
  ask<T>(order: ClinikoOrder): Promise<T>;
  end(): void;
}

export async function startCliniko(options: ClinicsOptions): Promise<Cliniko> {
  const script = fileURLToPath(new URL('cliniko-process.ts', import.meta.url));
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: ['--import', 'tsx'],
    // Ctrl-C reaches the soak only, which ends its processes in order.
    detached: true,
  });
  const { url } = await answerOf<{ url: string }>(child);
  let asking: Promise<unknown> = Promise.resolve();
  return {
    url,
    // An answer does not name its question: one at a time.
    ask<T>(order: ClinikoOrder): Promise<T> {
      const answered = asking.then(() => ask<T>(child, order));
      asking = answered.catch(() => {});
      return answered;
    },
    end: () => void child.kill('SIGKILL'),
  };
}

const LARGE = 0.4;
const MIDDLE = 0.35;

/** A few large clinics, some of middle size and many small ones. @returns the patients of each, `patients` in total */
export function sizesOf({
  seed,
  clinics,
  patients,
}: {
  seed: number;
  clinics: number;
  patients: number;
}): number[] {
  const random = new SeededRandom(seed, 0, 2);
  const weights = Array.from({ length: clinics }, (_, n) => {
    const place = n / clinics;
    const weight = place < 0.05 ? LARGE / 0.05 : place < 0.25 ? MIDDLE / 0.2 : (1 - LARGE - MIDDLE) / 0.75;
    return weight * (0.7 + 0.6 * random.next());
  });
  const sum = weights.reduce((one, other) => one + other, 0);
  return weights.map((weight) => Math.max(30, Math.round((weight / sum) * patients)));
}
