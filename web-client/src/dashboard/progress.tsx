/** How far a run is: as a figure, as a count and as a bar. */
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { barTone } from '../look/bar-tone.ts';
import { ProgressBar } from '../look/progress-bar.tsx';
import { counterText, formatPercent } from '../look/words.ts';

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
