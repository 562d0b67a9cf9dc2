/** The state of a run, as the pages and the element show it, and its colours. */
import { isCancelled } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';

/** `partial`: completed, with patients that could not be stored. */
export type DisplayState =
  | 'none'
  | 'queued'
  | 'running'
  | 'waiting'
  | 'completed'
  | 'partial'
  | 'failed'
  | 'cancelled';

export function displayState(log: SyncLog | null): DisplayState {
  if (log === null) return 'none';
  const { phase } = log.metadata;
  if (log.status === 'running') return phase === 'waiting' || phase === 'queued' ? phase : 'running';
  if (log.status === 'failed') return isCancelled(log) ? 'cancelled' : 'failed';
  return log.records_failed > 0 ? 'partial' : 'completed';
}

/** The colour of a line about a run. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad';

export const RUN_TONES: Record<DisplayState, Tone> = {
  none: 'plain',
  queued: 'plain',
  running: 'plain',
  waiting: 'warn',
  completed: 'good',
  partial: 'warn',
  failed: 'bad',
  cancelled: 'warn',
};

export type BarTone = Exclude<DisplayState, 'partial' | 'queued'>;

/** The colour of what was stored. The part of the bar that could not be stored has its own colour. */
export function barTone(log: SyncLog | null): BarTone {
  const state = displayState(log);
  if (state === 'queued') return 'waiting';
  return state === 'partial' ? 'completed' : state;
}
