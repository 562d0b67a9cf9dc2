/** The steps of a run, as old clients name them. A run never goes back a step, even when it is resumed. */
import { type SyncPhase, SyncStep } from '#contract/sync-log.ts';

export function laterStep(a: SyncStep, b: SyncStep): SyncStep {
  const order = SyncStep.options;
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** @returns undefined for a phase that keeps the step it interrupts */
export function stepOfPhase(phase: SyncPhase): SyncStep | undefined {
  switch (phase) {
    case 'queued':
      return 'initializing';
    case 'fetching':
      return 'checking_config';
    case 'storing':
      return 'storing_patients';
    case 'finishing':
      return 'checking_deletions';
    case 'completed':
      return 'completed';
    case 'waiting':
    case 'cancelling':
    case 'failed':
      return undefined;
    default:
      return phase satisfies never;
  }
}
