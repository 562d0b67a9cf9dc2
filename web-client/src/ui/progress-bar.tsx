/** A bar from 0 to 100 with the ARIA role of a progress bar. */
import type { BarTone } from './display-state.ts';

export interface ProgressBarProps {
  percent: number;
  tone: BarTone;
  label: string;
  /** The text for screen readers instead of the number. */
  valueText: string;
}

export function ProgressBar({ percent, tone, label, valueText }: ProgressBarProps) {
  return (
    <div
      className="progress-bar"
      data-tone={tone}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={valueText}
    >
      <div className="progress-fill" style={{ width: `${percent}%` }} />
    </div>
  );
}
