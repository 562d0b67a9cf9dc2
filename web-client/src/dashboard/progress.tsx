/** The progress of a run: percentage, count and bar. */
import type { SyncLog } from '#contract/sync-log.ts';
import { counterText, formatPercent, shownPercent } from '../ui/format.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';

export function Progress({ log, percent }: { log: SyncLog | null; percent: number }) {
  const known = shownPercent(log, percent);
  return (
    <div className="progress-display">
      <p className="percent">{known === null ? '–' : formatPercent(known)}</p>
      <p className="progress-text">{counterText(log)}</p>
      <ProgressBar log={log} percent={percent} label="Sync progress" />
    </div>
  );
}
