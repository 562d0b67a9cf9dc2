/** The progress of a run: percentage, count and bar. */
import type { SyncLog } from '#contract/sync-log.ts';
import { barTone } from '../ui/display-state.ts';
import { counterText, formatPercent } from '../ui/format.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';

export function Progress({ log, percent }: { log: SyncLog; percent: number }) {
  return (
    <div className="progress-display">
      <p className="percent">{formatPercent(percent)}</p>
      <p className="progress-text">{counterText(log)}</p>
      <ProgressBar
        percent={percent}
        tone={barTone(log)}
        label="Sync progress"
        valueText={`${formatPercent(percent)}, ${counterText(log)}`}
      />
    </div>
  );
}
