import { NO_ESTIMATE } from '../../src/sync/remaining-time.ts';

/** What a run that stores its pages shows besides its counts. */
export const STORING = {
  type: 'full_patients',
  attempt: 1,
  phase: 'storing',
  step: 'storing_patients',
  loaded: 0,
  remainingTime: NO_ESTIMATE,
} as const;
