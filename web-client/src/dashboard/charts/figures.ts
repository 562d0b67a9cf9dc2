/** The figures behind the charts. Pure. */
import type { Analytics } from '#contract/analytics.ts';
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { durationOf, formatRate, operationWords } from '../../ui/format.ts';
import { dayAndTimeText } from '../../ui/time-format.ts';

/** One point or bar. */
export interface Figure {
  key: string;
  /** The label on the axis. */
  label: string;
  /** Null: no value, as for a run without patients. */
  value: number | null;
  /** Of a run that failed or was cancelled: it is shown, and no average counts it. */
  isFailed?: boolean;
  /** The full text. */
  words: string;
}

const DAYS_SHOWN = 30;
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const LOCAL_DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** Oldest first. Days without patients have no rate, which differs from a rate of 0. */
export function successByDay({ success_by_day }: Analytics): Figure[] {
  return success_by_day
    .slice(0, DAYS_SHOWN)
    .reverse()
    .map(({ sync_date, avg_success_rate: rate, total_syncs }) => {
      const label = DAY.format(Date.parse(sync_date));
      const syncs = total_syncs === 1 ? '1 sync' : `${formatCount(total_syncs)} syncs`;
      const words = rate === null ? 'no patients' : `${rate}% stored`;
      return { key: sync_date, label, value: rate, words: `${label}: ${words}, ${syncs}` };
    });
}

/** In seconds, oldest first. A failed run has the time until it failed. @param runs ended ones, newest first */
export function durationByRun(runs: readonly SyncLog[]): Figure[] {
  return oldestFirst(runs, (run) => {
    const ms = durationOf(run);
    const words = ms === null ? 'no duration' : formatDuration(ms);
    const isFailed = run.status === 'failed';
    return {
      value: ms === null ? null : ms / 1000,
      words: isFailed ? `failed after ${words}` : words,
      isFailed,
    };
  });
}

/** Oldest first. A failed run, and one without patients or a duration, has no rate. @param runs ended ones, newest first */
export function rateByRun(runs: readonly SyncLog[]): Figure[] {
  return oldestFirst(runs, (run) => {
    const rate = rateOf(run);
    const isFailed = run.status === 'failed';
    if (isFailed) return { value: null, words: 'failed', isFailed };
    return { value: rate, words: rate === null ? 'no patients' : `${formatRate(rate)} patients/s`, isFailed };
  });
}

function oldestFirst(
  runs: readonly SyncLog[],
  figure: (run: SyncLog) => Omit<Figure, 'key' | 'label'>,
): Figure[] {
  return [...runs].reverse().map((run) => {
    const { value, words, isFailed = false } = figure(run);
    const at = new Date(run.started_at);
    return {
      key: String(run.id),
      label: LOCAL_DAY.format(at),
      value,
      isFailed,
      words: `${dayAndTimeText(at)}, ${operationWords(run.operation_type).toLowerCase()}: ${words}`,
    };
  });
}

function rateOf(run: SyncLog): number | null {
  const ms = durationOf(run);
  if (ms === null || ms === 0 || run.records_processed === 0) return null;
  return run.records_processed / (ms / 1000);
}

/** Of completed runs; null when none has a value. */
export function averageOf(figures: readonly Figure[]): number | null {
  const values = figures.flatMap(({ value, isFailed }) => (value === null || isFailed ? [] : [value]));
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The start of an axis of percentages: low enough for every value, high enough to tell 99.5 from 100. */
export function floorOfPercent(figures: readonly Figure[]): number {
  const lowest = Math.min(100, ...figures.flatMap(({ value }) => (value === null ? [] : [value])));
  if (lowest >= 96) return 95;
  return Math.max(0, Math.floor((lowest - 1) / 10) * 10);
}
