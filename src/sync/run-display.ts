/** What a run displays besides its state: its phase, its step, and its remaining time. */
import type { SyncPhase, SyncStep } from '#contract/sync-log.ts';
import type { WaitNotice } from '../cliniko/source.ts';
import type { ClaimedRun } from './lease.ts';
import type { Display } from './metadata.ts';
import { createRemainingTime, type EstimateInputs, type PriorRun } from './remaining-time.ts';
import { laterStep, stepOfPhase } from './steps.ts';
import type { Traffic } from './traffic.ts';

export function createRunDisplay({ type, attempt, trigger, retryOf, step }: ClaimedRun, traffic: Traffic) {
  const shown = {
    step,
    /** The phase that was displayed last. */
    phase: 'queued' as SyncPhase,
    /** How long the remaining requests have to wait, according to the source. Returns 0 until the source is open. */
    requestsMs: (_requests: number): number => 0,
    /** The last completed run of this kind, once it was read. */
    prior: undefined as PriorRun | undefined,
    /** When the displayed wait ends, in milliseconds; 0 without one. */
    waitsUntil: 0,
    display(phase: SyncPhase, wait?: WaitNotice): Display {
      shown.phase = phase;
      shown.waitsUntil = wait?.until.getTime() ?? 0;
      return {
        type,
        attempt,
        phase,
        step: shown.reach(stepOfPhase(phase)),
        loaded: traffic.loaded,
        trigger,
        retryOf,
        ...(wait && { waiting: wait }),
        remainingTime,
      };
    },
    /** Advances to a step, never backwards. @returns the current step */
    reach(next: SyncStep | undefined): SyncStep {
      if (next !== undefined) shown.step = laterStep(shown.step, next);
      return shown.step;
    },
  };
  const remainingTime = createRemainingTime(
    (): EstimateInputs => ({
      prior: shown.prior,
      read: traffic.read,
      closingMs: traffic.closingMs,
      requestsMs: shown.requestsMs,
      waitMs: Math.max(0, shown.waitsUntil - Date.now()),
    }),
  );
  return shown;
}
