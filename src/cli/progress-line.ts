/**
 * A sync log as one line: a bar that redraws itself on a terminal, a plain line in a pipe. Pure.
 *
 * A log may come from a foreign program. Its texts are made safe for terminals here, before colours are added.
 */
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import { CLOSING_TEXT, problemText, queueText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { columnsOfText, cut, pad } from './columns.ts';
import { colourOf, type Paint } from './screen.ts';

const WIDEST_BAR = 40;
/** A shorter one says nothing. */
const SHORTEST_BAR = 5;
/** Kept beside the bar, for what remains. */
const ROOM_FOR_REMAINING = 20;
const ROOM_FOR_ELAPSED = 16;

const asItIs: Paint = (text) => text;

export interface LineOptions {
  /** Of the terminal; the line takes fewer, colours apart. */
  columns: number;
  paint?: Paint;
  /** Adds the elapsed time and the countdown of a wait. Absent: the line shows nothing that ticks. */
  nowMs?: number | undefined;
}

export function barLine(log: SyncLog, { columns, paint = asItIs, nowMs }: LineOptions): string {
  const percent = Math.min(100, Math.max(0, log.metadata.progress_percent));
  const counts = `${percent.toFixed(1).padStart(5)}% ${countsOf(log)}`;
  const room =
    columns - counts.length - ROOM_FOR_REMAINING - (nowMs === undefined ? 0 : ROOM_FOR_ELAPSED) - 4;
  const width = room < SHORTEST_BAR ? 0 : Math.min(WIDEST_BAR, room);
  const full = Math.round((width * percent) / 100);
  const bar = `${paint('█'.repeat(full), colourOf(log))}${paint('░'.repeat(width - full), 'grey')}`;
  const rest = [remainingOf(log, nowMs), elapsedOf(log, nowMs)].filter((part) => part !== '').join(', ');
  const text = terminalText(`${counts}${rest === '' ? '' : `  ${rest}`}`);
  const left = columns - 1 - (width === 0 ? 0 : width + 1);
  return `${width === 0 ? '' : `${bar} `}${cut(text, left)}`;
}

export function plainLine(log: SyncLog): string {
  const { progress_percent: percent, phase, estimated_remaining: left } = log.metadata;
  const remaining = left ? `, ${left} left` : '';
  const state = phase === 'queued' ? queueText(log).toLowerCase() : (phase ?? log.status);
  return terminalText(`Progress: ${percent.toFixed(1)}% - ${countsOf(log)} (${state}${remaining})`);
}

/** What the run came to; a sentence, and perhaps indented lines with the details. */
export function endLine(log: SyncLog): string {
  if (log.status === 'completed' && log.records_failed === 0) {
    const [stored, processed] = [formatCount(log.records_success), formatCount(log.records_processed)];
    return `Sync completed: ${stored}/${processed} patients (100% success)`;
  }
  const problem = problemText(log) ?? stepText(log);
  const details = log.status === 'failed' ? [log.error_details, log.metadata.solution] : log.metadata.errors;
  const isNew = (line: string | null | undefined): boolean => !!line && !problem.includes(line);
  return [problem, ...(details ?? []).filter(isNew)].map((line) => terminalText(line ?? '')).join('\n  ');
}

export interface OrganizationState {
  id: number;
  /** Null: it has none, or it is not known. */
  name?: string | null | undefined;
  log: SyncLog | null;
}

/** A longer name is cut, so that the bars begin in one column. */
const NAME_WIDTH = 20;
/** A narrower terminal shows ids only. */
const NAMES_FROM_COLUMNS = 70;

/** One of many organizations: its id and name, and its bar or what its latest run came to. */
export function organizationLine({ id, name, log }: OrganizationState, options: LineOptions): string {
  const { columns, paint = asItIs } = options;
  const shown =
    columns < NAMES_FROM_COLUMNS ? '' : `${pad(cut(terminalText(name ?? ''), NAME_WIDTH), NAME_WIDTH)}  `;
  const head = `${String(id).padStart(10)}  ${name === undefined ? '' : shown}`;
  const room = columns - columnsOfText(head);
  if (log?.status === 'running') return `${head}${barLine(log, { ...options, columns: room })}`;
  if (log === null) return `${head}${paint(cut('has never synced', room - 1), 'grey')}`;
  const [sentence = ''] = endLine(log).split('\n', 1);
  return `${head}${paint(cut(sentence, room - 1), colourOf(log))}`;
}

function countsOf(log: SyncLog): string {
  const found = log.metadata.patients_found;
  return `${formatCount(log.records_success)}${found ? `/${formatCount(found)}` : ''} patients`;
}

function remainingOf(log: SyncLog, nowMs: number | undefined): string {
  const { phase, waiting_reason, waiting_until, estimated_remaining } = log.metadata;
  if (log.status !== 'running') return '';
  if (phase === 'queued') return queueText(log).toLowerCase();
  if (phase === 'finishing') return CLOSING_TEXT.toLowerCase();
  if (phase === 'waiting') return `${waiting_reason ?? 'waiting'} ${untilText(waiting_until, nowMs)}`;
  return estimated_remaining ? `${estimated_remaining} left` : '';
}

function untilText(until: string | undefined, nowMs: number | undefined): string {
  const leftMs = nowMs === undefined ? Number.NaN : Date.parse(until ?? '') - nowMs;
  if (Number.isNaN(leftMs)) return `until ${until ?? 'later'}`;
  return leftMs <= 0 ? 'now' : `for ${formatDuration(leftMs)}`;
}

function elapsedOf(log: SyncLog, nowMs: number | undefined): string {
  if (log.status !== 'running' || nowMs === undefined) return '';
  return `${formatDuration(nowMs - Date.parse(log.started_at))} so far`;
}
