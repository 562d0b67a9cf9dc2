/** A bar from 0 to 100 with the ARIA role of a progress bar. */
import type { SyncLog } from '#contract/sync-log.ts';
import { barTone } from './display-state.ts';
import { counterText, formatPercent, shownPercent, storedShare } from './format.ts';

export interface ProgressBarProps {
  /** Null: no run. */
  log: SyncLog | null;
  percent: number;
  label: string;
}

/** Before the total is known the bar has no value. What could not be stored has another colour. */
export function ProgressBar({ log, percent, label }: ProgressBarProps) {
  const known = shownPercent(log, percent);
  const share = log === null ? 1 : storedShare(log);
  const words = counterText(log) || 'No sync yet';
  return (
    <div
      className="progress-bar"
      data-tone={barTone(log)}
      data-known={known !== null}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ?? undefined}
      aria-valuetext={known === null ? words : `${formatPercent(known)}, ${words}`}
    >
      <div className="progress-fill" style={known === null ? undefined : { width: `${known * share}%` }} />
      {share < 1 && <div className="progress-missed" style={{ width: `${(known ?? 0) * (1 - share)}%` }} />}
    </div>
  );
}
