/** How a bar of a run is coloured. */
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import type { BarTone } from './progress-bar.tsx';
import { isCancelled } from './words.ts';

export function barTone(log: SyncLog | null): BarTone {
  if (log === null) return 'none';
  if (log.status !== 'running') return isCancelled(log) ? 'cancelled' : log.status;
  const { phase } = log.metadata;
  return phase === 'waiting' || phase === 'queued' ? 'waiting' : 'running';
}
