/** A page on the way of a run, and what it is read for. */
import type { RoundPage } from './keyset-scan.ts';
import type { WalkedPage } from './page-scan.ts';

export type Stop =
  /** All patients, page by numbered page. */
  | ({
      leg: 'walk';
      began: Date;
      /** Whether it holds only patients whom the condition on `created_at` allows. */
      isKept: boolean;
    } & WalkedPage)
  /** All patients once more, in the order of their ids. */
  | ({
      leg: 'round';
      /** Whether it was asked for without a bound on `created_at`. */
      unbounded: boolean;
    } & RoundPage)
  /** Those who changed meanwhile, and those who were not met. */
  | { leg: 'sweep'; records: readonly unknown[] };
