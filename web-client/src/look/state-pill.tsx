/** The state of a run in one word and one colour. */
import type { SyncLog } from '../../../src/contract/sync-log.ts';

type Pill = 'running' | 'completed' | 'partial' | 'failed' | 'none';

const WORDS: Record<Pill, string> = {
  running: 'Running',
  completed: 'Completed',
  partial: 'With errors',
  failed: 'Failed',
  none: 'Never synced',
};

export function StatePill({ log }: { log: SyncLog | null }) {
  const pill = pillOf(log);
  return (
    <span className="pill" data-pill={pill}>
      {WORDS[pill]}
    </span>
  );
}

function pillOf(log: SyncLog | null): Pill {
  if (log === null) return 'none';
  return log.status === 'completed' && log.records_failed > 0 ? 'partial' : log.status;
}
