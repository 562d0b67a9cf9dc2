/**
 * A sync log as one line: a bar that redraws itself on a terminal, a plain line in a pipe. Pure.
 *
 * A log may come from a foreign program. Its texts are made safe for terminals here, before colours are added.
 */
import { problemText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { colourOf, type Paint } from './screen.ts';

const WIDEST_BAR = 40;
/** A shorter one says nothing. */
const SHORTEST_BAR = 5;
/** Kept beside the bar, for what remains. */
const ROOM_FOR_REMAINING = 20;

const asItIs: Paint = (text) => text;

/** @param columns of the terminal; the line is shorter, colours apart */
export function barLine(log: SyncLog, columns: number, paint: Paint = asItIs): string {
  const percent = Math.min(100, Math.max(0, log.metadata.progress_percent));
  const counts = `${percent.toFixed(1).padStart(5)}% ${countsOf(log)}`;
  const room = columns - counts.length - ROOM_FOR_REMAINING - 4;
  const width = room < SHORTEST_BAR ? 0 : Math.min(WIDEST_BAR, room);
  const full = Math.round((width * percent) / 100);
  const bar = `${paint('█'.repeat(full), colourOf(log))}${paint('░'.repeat(width - full), 'grey')}`;
  const rest = remainingOf(log);
  const text = terminalText(`${counts}${rest === '' ? '' : `  ${rest}`}`);
  const left = columns - 1 - (width === 0 ? 0 : width + 1);
  return `${width === 0 ? '' : `${bar} `}${cut(text, left)}`;
}

export function plainLine(log: SyncLog): string {
  const { progress_percent: percent, phase, estimated_remaining: left } = log.metadata;
  const remaining = left ? `, ${left} left` : '';
  return terminalText(
    `Progress: ${percent.toFixed(1)}% - ${countsOf(log)} (${phase ?? log.status}${remaining})`,
  );
}

/** What the run came to; a sentence, and perhaps indented lines with the details. */
export function endLine(log: SyncLog): string {
  if (log.status === 'completed' && log.records_failed === 0) {
    return `Sync completed: ${log.records_success}/${log.records_processed} patients (100% success)`;
  }
  const problem = problemText(log) ?? stepText(log);
  const details = log.status === 'failed' ? [log.error_details, log.metadata.solution] : log.metadata.errors;
  const isNew = (line: string | null | undefined): boolean => !!line && !problem.includes(line);
  return [problem, ...(details ?? []).filter(isNew)].map((line) => terminalText(line ?? '')).join('\n  ');
}

/** One of many organizations: its id, and its bar or what its latest run came to. */
export function organizationLine(
  { id, log }: { id: number; log: SyncLog | null },
  columns: number,
  paint: Paint = asItIs,
): string {
  const name = `${String(id).padStart(10)}  `;
  const room = columns - name.length;
  if (log?.status === 'running') return `${name}${barLine(log, room, paint)}`;
  if (log === null) return `${name}${paint(cut('has never synced', room - 1), 'grey')}`;
  const [sentence = ''] = endLine(log).split('\n', 1);
  return `${name}${paint(cut(sentence, room - 1), colourOf(log))}`;
}

function countsOf(log: SyncLog): string {
  const found = log.metadata.patients_found;
  return `${log.records_success}${found ? `/${found}` : ''} patients`;
}

function remainingOf(log: SyncLog): string {
  const { phase, waiting_reason, waiting_until, estimated_remaining } = log.metadata;
  if (log.status !== 'running') return '';
  if (phase === 'queued') return 'waiting for a worker';
  if (phase === 'waiting') return `${waiting_reason ?? 'waiting'} until ${waiting_until ?? 'later'}`;
  return estimated_remaining ? `${estimated_remaining} left` : '';
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
