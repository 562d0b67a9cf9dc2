/** A sync log as one line: a bar that redraws itself on a terminal, a plain line in a pipe. Pure. */
import { problemText, stepText } from '../contract/progress.ts';
import type { SyncLog } from '../contract/sync-log.ts';

const WIDEST_BAR = 40;

/** @param columns of the terminal; the line is never longer */
export function barLine(log: SyncLog, columns: number): string {
  const percent = log.metadata.progress_percent;
  const counts = `${percent.toFixed(1).padStart(5)}% ${countsOf(log)}`;
  const room = columns - counts.length - 4;
  const width = Math.max(0, Math.min(WIDEST_BAR, room - 20));
  const full = Math.round((width * Math.min(100, percent)) / 100);
  const bar = width > 4 ? `${'█'.repeat(full)}${'░'.repeat(width - full)} ` : '';
  const rest = remainingOf(log);
  return cut(`${bar}${counts}${rest === '' ? '' : `  ${rest}`}`, columns - 1);
}

export function plainLine(log: SyncLog): string {
  const { progress_percent: percent, phase } = log.metadata;
  return `Progress: ${percent.toFixed(1)}% - ${countsOf(log)} (${phase ?? log.status})`;
}

/** What the run came to. */
export function endLine(log: SyncLog): string {
  if (log.status === 'completed' && log.records_failed === 0) {
    return `Sync completed: ${log.records_success}/${log.records_processed} patients (100% success)`;
  }
  const problem = problemText(log) ?? stepText(log);
  const details = log.status === 'failed' ? [log.error_details, log.metadata.solution] : log.metadata.errors;
  return [problem, ...(details ?? [])].filter((line) => line != null && line !== '').join('\n  ');
}

function countsOf(log: SyncLog): string {
  const found = log.metadata.patients_found;
  return `${log.records_success}${found ? `/${found}` : ''} patients`;
}

function remainingOf(log: SyncLog): string {
  const { phase, waiting_reason, waiting_until, estimated_remaining } = log.metadata;
  if (phase === 'queued') return 'waiting for a worker';
  if (phase === 'waiting') return `${waiting_reason ?? 'waiting'} until ${waiting_until ?? 'later'}`;
  return estimated_remaining ? `${estimated_remaining} left` : '';
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
