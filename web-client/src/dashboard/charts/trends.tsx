/** The trends of past runs. Loaded after the rest of the page, so that starting a sync does not wait for charts. */

import type { Analytics } from '#contract/analytics.ts';
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { formatRate } from '../../ui/format.ts';
import { Chart } from './chart.tsx';
import { averageOf, durationByRun, type Figure, floorOfPercent, rateByRun, successByDay } from './figures.ts';

export interface TrendsProps {
  analytics: Analytics;
  /** Ended ones, newest first. */
  runs: readonly SyncLog[];
}

export function Trends({ analytics, runs }: TrendsProps) {
  const success = successByDay(analytics);
  const durations = durationByRun(runs);
  const rates = rateByRun(runs);
  const [rate, duration, pace] = [averageOf(success), averageOf(durations), averageOf(rates)];
  return (
    <div className="charts">
      <Chart
        title="Patients stored, of completed runs, by day (UTC)"
        headline={rate === null ? 'No rate yet' : `${(Math.floor(rate * 10) / 10).toFixed(1)}%`}
        meaning={rate === null ? '' : `average of ${counted(success, 'day', 'without patients')}`}
        kind="line"
        figures={success}
        domain={[floorOfPercent(success), 100]}
        formatValue={(value) => `${value}%`}
      />
      <Chart
        title="Duration by run"
        headline={duration === null ? 'No run yet' : formatDuration(duration * 1000)}
        meaning={duration === null ? '' : `average of ${counted(durations, 'run', 'without a duration')}`}
        kind="bars"
        figures={durations}
        domain={[0, highest(durations, LEAST_SECONDS)]}
        formatValue={(value) => formatDuration(value * 1000)}
      />
      <Chart
        title="Patients a second by run"
        headline={pace === null ? 'No rate yet' : `${formatRate(pace)}/s`}
        meaning={pace === null ? '' : `average of ${counted(rates, 'run', 'without patients')}`}
        kind="bars"
        figures={rates}
        domain={[0, highest(rates, 1)]}
        formatValue={formatRate}
      />
    </div>
  );
}

/** "25 runs, 1 without patients, 2 failed": what the average covers, and what it leaves out. */
function counted(figures: readonly Figure[], unit: string, why: string): string {
  const failed = figures.filter(({ isFailed }) => isFailed).length;
  const count = figures.filter(({ value, isFailed }) => value !== null && !isFailed).length;
  const without = figures.length - count - failed;
  const parts = [
    count === 1 ? `1 ${unit}` : `${formatCount(count)} ${unit}s`,
    ...(without > 0 ? [`${formatCount(without)} ${why}`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
  ];
  return parts.join(', ');
}

/** Below this an axis would repeat the same second. */
const LEAST_SECONDS = 3;

/** The maximum of an axis, so above 0 even when every value is 0. */
function highest(figures: readonly Figure[], least: number): number {
  return Math.max(least, ...figures.map(({ value }) => value ?? 0)) * 1.08;
}
