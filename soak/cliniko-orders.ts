/** What the soak asks of the process with the simulated clinics. */

export interface ClinicsOptions {
  seed: number;
  /** The patients of each clinic at the start. */
  sizes: readonly number[];
  latencyMs: number;
  /** Of all clinics together. */
  changesPerSecond: number;
}

export type ClinikoOrder =
  /** Moves the clock of Cliniko; 0 is the right time. Answers true. */
  | { what: 'clock'; aheadMs: number }
  /** The next requests of one clinic fail. Answers true; `effective` counts it when a request has failed. */
  | { what: 'fail'; clinic: number; times: number; how: 'status' | 'reset' | 'rate-limited' | 'truncated' }
  /** No further changes of patients, and no failing requests. Answers how many there were, by kind. */
  | { what: 'rest' }
  /** Answers how many of the orders to fail have failed at least one request. */
  | { what: 'effective' }
  /** Answers how many patients there have been. */
  | { what: 'count' }
  /** Answers `[id, digest]` of each patient of one clinic. */
  | { what: 'list'; clinic: number };

/** In the format of a Cliniko key. */
export const keyOf = (clinic: number): string =>
  `${Buffer.from(`a clinic of the soak ${clinic}`).toString('base64')}-au1`;
