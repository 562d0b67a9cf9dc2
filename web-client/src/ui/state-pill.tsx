/** The state of a run in one word and one colour. */

import type { SyncLog } from '#contract/sync-log.ts';
import { type DisplayState, displayState } from './display-state.ts';
import { Icon, type IconName } from './icon.tsx';

const WORDS: Record<DisplayState, string> = {
  queued: 'In the queue',
  running: 'Running',
  waiting: 'Waiting',
  completed: 'Completed',
  partial: 'With errors',
  failed: 'Failed',
  cancelled: 'Cancelled',
  none: 'Never synced',
};

const ICONS: Record<DisplayState, IconName | null> = {
  queued: 'clock',
  running: 'sync',
  waiting: 'pause',
  completed: 'done',
  partial: 'warning',
  failed: 'failed',
  cancelled: 'halt',
  none: null,
};

export function StatePill({ log }: { log: SyncLog | null }) {
  const pill = displayState(log);
  const icon = ICONS[pill];
  return (
    <span className="pill" data-pill={pill}>
      {icon !== null && <Icon name={icon} />}
      {WORDS[pill]}
    </span>
  );
}
