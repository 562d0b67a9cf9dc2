/** The figures behind the charts. Pure. */
import type { Analytics } from '#contract/analytics.ts';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { formatRate, operationWords } from '../../ui/format.ts';
import { DAY_AND_TIME } from '../../ui/time-format.ts';

/** One point or bar. */
export interface Figure {
  key: string;
  /** The label on the axis. */
  label: string;
  /** Null: no value, as for a run without patients. */
  value: number | null;
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
      const syncs = total_syncs === 1 ? '1 sync' : `${total_syncs} syncs`;
      const words = rate === null ? 'no patients' : `${rate}% stored`;
      return { key: sync_date, label, value: rate, words: `${label}: ${words}, ${syncs}` };
    });
}

/** In seconds, oldest first. @param runs completed ones, newest first */
export function durationByRun(runs: readonly SyncLog[]): Figure[] {
  return oldestFirst(runs, (run) => {
    const ms = durationOf(run);
    return { value: ms === null ? null : ms / 1000, words: ms === null ? 'no duration' : formatDuration(ms) };
  });
}

/** Oldest first. A run without patients, or without a duration, has no rate. @param runs completed ones, newest first */
export function rateByRun(runs: readonly SyncLog[]): Figure[] {
  return oldestFirst(runs, (run) => {
    const rate = rateOf(run);
    return { value: rate, words: rate === null ? 'no patients' : `${formatRate(rate)} patients/s` };
  });
}

function oldestFirst(
  runs: readonly SyncLog[],
  figure: (run: SyncLog) => Pick<Figure, 'value' | 'words'>,
): Figure[] {
  return [...runs].reverse().map((run) => {
    const { value, words } = figure(run);
    const at = Date.parse(run.started_at);
    return {
      key: String(run.id),
      label: LOCAL_DAY.format(at),
      value,
      words: `${DAY_AND_TIME.format(at)}, ${operationWords(run.operation_type).toLowerCase()}: ${words}`,
    };
  });
}

function durationOf({ started_at, completed_at }: SyncLog): number | null {
  return completed_at === null ? null : Math.max(0, Date.parse(completed_at) - Date.parse(started_at));
}

function rateOf(run: SyncLog): number | null {
  const ms = durationOf(run);
  if (ms === null || ms === 0 || run.records_processed === 0) return null;
  return run.records_processed / (ms / 1000);
}

/** Null when nothing has a value. */
export function averageOf(figures: readonly Figure[]): number | null {
  const values = figures.flatMap(({ value }) => (value === null ? [] : [value]));
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The start of an axis of percentages: low enough for every value, high enough to tell 99.5 from 100. */
export function floorOfPercent(figures: readonly Figure[]): number {
  const lowest = Math.min(100, ...figures.flatMap(({ value }) => (value === null ? [] : [value])));
  if (lowest >= 96) return 95;
  return Math.max(0, Math.floor((lowest - 1) / 10) * 10);
}
