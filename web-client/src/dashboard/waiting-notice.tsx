/** While a run waits for Cliniko: the reason, and the remaining time. */
import { formatRemaining } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { Icon } from '../ui/icon.tsx';

export function WaitingNotice({ log }: { log: SyncLog }) {
  const { phase, waiting_until, waiting_reason = '' } = log.metadata;
  const isWaiting = phase === 'waiting';
  const now = useNow(isWaiting);
  if (!isWaiting || waiting_until === undefined) return null;
  const isLimited = waiting_reason.includes('rate limit');
  const leftMs = Date.parse(waiting_until) - now;
  return (
    <div className="notice waiting" data-tone="warn">
      <Icon name="hourglass" />
      <p>
        {isLimited && 'Cliniko answers a limited number of requests a minute. '}
        No data is lost, and no action is needed: the sync continues{' '}
        <span className="countdown">{leftMs > 0 ? `in ${formatRemaining(leftMs)}` : 'now'}</span>.
      </p>
    </div>
  );
}
