/** The state of a run in one word and one colour. */

import { isCancelled } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { Icon, type IconName } from './icon.tsx';

type Pill = 'running' | 'waiting' | 'completed' | 'partial' | 'failed' | 'cancelled' | 'none';

const WORDS: Record<Pill, string> = {
  running: 'Running',
  waiting: 'Waiting',
  completed: 'Completed',
  partial: 'With errors',
  failed: 'Failed',
  cancelled: 'Cancelled',
  none: 'Never synced',
};

const ICONS: Record<Pill, IconName | null> = {
  running: 'sync',
  waiting: 'pause',
  completed: 'done',
  partial: 'warning',
  failed: 'failed',
  cancelled: 'halt',
  none: null,
};

export function StatePill({ log }: { log: SyncLog | null }) {
  const pill = pillOf(log);
  const icon = ICONS[pill];
  return (
    <span className="pill" data-pill={pill}>
      {icon !== null && <Icon name={icon} />}
      {WORDS[pill]}
    </span>
  );
}

function pillOf(log: SyncLog | null): Pill {
  if (log === null) return 'none';
  const { phase } = log.metadata;
  if (log.status === 'running') return phase === 'waiting' || phase === 'queued' ? 'waiting' : 'running';
  if (log.status === 'failed') return isCancelled(log) ? 'cancelled' : 'failed';
  return log.records_failed > 0 ? 'partial' : 'completed';
}
