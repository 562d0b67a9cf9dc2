/** While a run waits for Cliniko: for how much longer. Why is told by the step text above it. */
import { formatRemaining } from '../../../src/contract/duration.ts';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { Icon } from '../look/icon.tsx';
import { useNow } from '../look/use-now.ts';

export function WaitingNotice({ log }: { log: SyncLog }) {
  const { phase, waiting_until } = log.metadata;
  const isWaiting = phase === 'waiting';
  const now = useNow(isWaiting);
  if (!isWaiting || waiting_until === undefined) return null;
  const leftMs = Date.parse(waiting_until) - now;
  return (
    <div className="notice" data-tone="warn">
      <Icon name="pause" />
      <p>
        The sync goes on by itself{' '}
        <span className="countdown">{leftMs > 0 ? `in ${formatRemaining(leftMs)}` : 'now'}</span>.
      </p>
    </div>
  );
}
