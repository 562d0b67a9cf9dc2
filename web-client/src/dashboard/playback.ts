/** Turns a run's timeline into playable moments, each with the time for which it is shown. Pure. */

import { formatPatients } from '#contract/count.ts';
import { CLOSING_TEXT } from '#contract/progress.ts';
import type { StreamEvent } from '#contract/stream-event.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { isAhead } from '../live/organization-state.ts';
import { displayState, RUN_TONES, type Tone } from '../ui/display-state.ts';
import { formatPercent } from '../ui/format.ts';

export interface PlaybackMoment {
  cursor: string;
  /** Since the first moment. */
  offsetMs: number;
  log: SyncLog;
}

/** A run is played in at most this time, however long it took. */
const PLAYED_WITHIN_MS = 12_000;
/** Keeps the last steps of a short run visible. */
const LEAST_STEP_MS = 40;

export function momentsOf(events: readonly StreamEvent[]): PlaybackMoment[] {
  const moments = events.flatMap(({ cursor, at, log }) => (log === null ? [] : [{ cursor, at, log }]));
  const start = Date.parse(moments[0]?.at ?? '');
  return moments.map(({ cursor, at, log }) => ({
    cursor,
    log,
    offsetMs: Math.max(0, Date.parse(at) - start),
  }));
}

/** Whether `log` came after `moments`. Within one history the cursors decide. */
export function isLater(log: SyncLog, moments: readonly PlaybackMoment[]): boolean {
  const last = moments.at(-1);
  return last === undefined || log.cursor === null || isAhead(log.cursor, last.cursor);
}

/** Adds the events that the stream delivered since the timeline was read. */
export function withLatest(
  moments: readonly PlaybackMoment[],
  log: SyncLog,
  nowMs: number,
): PlaybackMoment[] {
  const last = moments.at(-1);
  if (last === undefined || log.cursor === null || !isLater(log, moments)) return [...moments];
  if (last.log.status !== 'running') return [...moments];
  const offsetMs = Math.max(last.offsetMs, nowMs - Date.parse(last.log.started_at));
  return [...moments, { cursor: log.cursor, log, offsetMs }];
}

export function lengthOf(moments: readonly PlaybackMoment[]): number {
  return moments.at(-1)?.offsetMs ?? 0;
}

/** The speed-up factor. At least 1. */
export function speedOf(moments: readonly PlaybackMoment[]): number {
  return Math.max(1, lengthOf(moments) / PLAYED_WITHIN_MS);
}

/** How long the moment at `index` is shown; null for the last one. */
export function stayMs(moments: readonly PlaybackMoment[], index: number): number | null {
  const [moment, next] = [moments[index], moments[index + 1]];
  if (moment === undefined || next === undefined) return null;
  return Math.max(LEAST_STEP_MS, (next.offsetMs - moment.offsetMs) / speedOf(moments));
}

/** The last moment at or before a time. */
export function indexAt(moments: readonly PlaybackMoment[], offsetMs: number): number {
  const after = moments.findIndex((moment) => moment.offsetMs > offsetMs);
  return after === -1 ? moments.length - 1 : Math.max(0, after - 1);
}

export interface Chapter {
  index: number;
  words: string;
  tone: Tone;
}

const CHAPTERS_AT_MOST = 200;

/** The moments at which more than the count changed, and each quarter of the progress. */
export function chaptersOf(moments: readonly PlaybackMoment[]): Chapter[] {
  const chapters = moments.flatMap(({ log }, index): Chapter[] => {
    const chapter = chapterOf(log, moments[index - 1]?.log);
    return chapter === undefined ? [] : [{ index, ...chapter }];
  });
  return chapters.slice(0, CHAPTERS_AT_MOST);
}

function chapterOf(log: SyncLog, before: SyncLog | undefined): Omit<Chapter, 'index'> | undefined {
  const { metadata } = log;
  if (log.status !== 'running') {
    const words = log.status === 'completed' ? 'Completed' : (log.error_details ?? 'Failed');
    return { words, tone: RUN_TONES[displayState(log)] };
  }
  if (before === undefined) return { words: 'Started', tone: 'plain' };
  const { attempt } = metadata;
  if (typeof attempt === 'number' && attempt > 1 && attempt !== before.metadata.attempt)
    return { words: `Another worker continued from the checkpoint (attempt ${attempt})`, tone: 'warn' };
  const chapter = phaseChapter(log, before);
  if (chapter !== undefined) return chapter;
  if (!before.metadata.patients_found && metadata.patients_found)
    return { words: `Found ${formatPatients(metadata.patients_found)} in Cliniko`, tone: 'plain' };
  return quarterChapter(metadata.progress_percent, before.metadata.progress_percent);
}

function phaseChapter({ metadata }: SyncLog, before: SyncLog): Omit<Chapter, 'index'> | undefined {
  const [from, to] = [before.metadata.phase, metadata.phase];
  if (from === to) return undefined;
  if (to === 'waiting') return { words: metadata.waiting_reason ?? 'Waiting for Cliniko', tone: 'warn' };
  if (to === 'finishing') return { words: CLOSING_TEXT, tone: 'plain' };
  if (to === 'cancelling') return { words: 'Cancelling', tone: 'warn' };
  return from === 'waiting' ? { words: 'Continuing', tone: 'plain' } : undefined;
}

function quarterChapter(percent: number, before: number): Omit<Chapter, 'index'> | undefined {
  const quarter = Math.floor(percent / 25);
  if (quarter === Math.floor(before / 25)) return undefined;
  return { words: `${formatPercent(percent)} done`, tone: 'plain' };
}
