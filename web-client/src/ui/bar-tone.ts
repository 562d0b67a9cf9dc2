/** The colour of a run's bar. */

import { isCancelled } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { BarTone } from './progress-bar.tsx';

export function barTone(log: SyncLog | null): BarTone {
  if (log === null) return 'none';
  if (log.status !== 'running') return isCancelled(log) ? 'cancelled' : log.status;
  const { phase } = log.metadata;
  return phase === 'waiting' || phase === 'queued' ? 'waiting' : 'running';
}
