/** A page on the way of a run, and what it is read for. */
import type { RoundPage } from './round.ts';
import type { WalkedPage } from './walk.ts';

export type Stop =
  /** All patients, page by numbered page. */
  | ({ leg: 'walk'; began: Date } & WalkedPage)
  /** All patients once more, in the order of their ids. */
  | ({ leg: 'round' } & RoundPage)
  /** Those who changed meanwhile, and those who were not met. */
  | { leg: 'sweep'; records: readonly unknown[] };
