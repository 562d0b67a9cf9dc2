/** The changes between two renders of the console: lines of its event tail, and patients counted. Pure. */

import { formatCount, formatPatients } from '#contract/count.ts';
import { isCancelled, problemText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { EverythingState } from '../live/everything-state.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { displayState, RUN_TONES, type Tone } from '../ui/display-state.ts';
import { operationWords } from '../ui/format.ts';

export interface ActivityLine {
  /** A counter of this page. */
  key: number;
  /** By the clock of the server, in milliseconds since 1970. */
  at: number;
  organizationId: number;
  runId: number;
  /** It tells that the run ended. */
  isEnd: boolean;
  words: string;
  tone: Tone;
}

const LINES_KEPT = 400;

export function activityBetween(
  before: EverythingState,
  after: EverythingState,
): Omit<ActivityLine, 'key' | 'at'>[] {
  return changedPairs(before, after).flatMap(([state, next]) => {
    const news = describeChange(state.log, next.log);
    if (news === null || next.log === null) return [];
    const { id: runId, status } = next.log;
    return [{ organizationId: next.organizationId, runId, isEnd: status !== 'running', ...news }];
  });
}

/** The first count of an organization may cover a long time, so it is ignored. */
export function processedBetween(before: EverythingState, after: EverythingState): number {
  return changedPairs(before, after).reduce((sum, [{ log }, { log: next }]) => {
    if (next === null) return sum;
    const already = log?.id === next.id ? log.records_processed : 0;
    return sum + Math.max(0, next.records_processed - already);
  }, 0);
}

/** The start and the end of runs that the log holds. */
export function linesOfRuns(runs: readonly SyncLog[]): Omit<ActivityLine, 'key'>[] {
  return runs.flatMap((log) => {
    const line = { organizationId: log.organization_id, runId: log.id };
    const started = { ...line, at: Date.parse(log.started_at), isEnd: false, ...startOf(log) };
    if (log.status === 'running') return [started];
    const at = Date.parse(log.completed_at ?? log.started_at);
    return [{ ...line, at, isEnd: true, words: endWords(log), tone: RUN_TONES[displayState(log)] }, started];
  });
}

/** Events that happened before the page was opened take their place by time. What the stream told is not told again. */
export function withRecent(
  lines: readonly ActivityLine[],
  recent: readonly Omit<ActivityLine, 'key'>[],
): readonly ActivityLine[] {
  const nameOf = ({ runId, isEnd }: Omit<ActivityLine, 'key'>) => `${runId} ${isEnd}`;
  const known = new Set(lines.map(nameOf));
  const first = Math.max(0, ...lines.map(({ key }) => key)) + 1;
  const added = recent
    .filter((line) => !known.has(nameOf(line)) && known.add(nameOf(line)))
    .map((line, index) => ({ ...line, key: first + index }));
  return [...lines, ...added].sort((one, other) => other.at - one.at).slice(0, LINES_KEPT);
}

export function withLines(
  lines: readonly ActivityLine[],
  news: readonly Omit<ActivityLine, 'key' | 'at'>[],
  at: number,
): readonly ActivityLine[] {
  if (news.length === 0) return lines;
  const first = Math.max(0, ...lines.map(({ key }) => key)) + 1;
  const added = news.map((line, index) => ({ ...line, at, key: first + index }));
  return [...added.reverse(), ...lines].slice(0, LINES_KEPT);
}

/** An unchanged organization keeps its identity. */
function changedPairs(
  before: EverythingState,
  after: EverythingState,
): [OrganizationState, OrganizationState][] {
  const pairs: [OrganizationState, OrganizationState][] = [];
  if (before === after) return pairs;
  for (const next of after.values()) {
    const state = before.get(next.organizationId);
    if (state !== undefined && state !== next && state.isKnown) pairs.push([state, next]);
  }
  return pairs;
}

function describeChange(
  before: SyncLog | null,
  log: SyncLog | null,
): Pick<ActivityLine, 'words' | 'tone'> | null {
  if (log === null) return null;
  const isOther = before?.id !== log.id;
  if (!isOther && before?.status === log.status) return describePhaseChange(before, log);
  if (log.status === 'running') return startOf(log);
  return { words: endWords(log), tone: RUN_TONES[displayState(log)] };
}

const startOf = (log: SyncLog) => ({
  words: `${operationWords(log.operation_type)} started`,
  tone: 'plain' as const,
});

function endWords(log: SyncLog): string {
  if (isCancelled(log)) return 'Cancelled';
  if (log.status === 'failed') return problemText(log) ?? 'Failed';
  const stored = formatPatients(log.records_success);
  const errors = log.records_failed === 0 ? '' : `, ${formatCount(log.records_failed)} with errors`;
  return `Completed, ${stored}${errors}`;
}

function describePhaseChange(
  before: SyncLog,
  { metadata }: SyncLog,
): Pick<ActivityLine, 'words' | 'tone'> | null {
  const [from, to] = [before.metadata.phase, metadata.phase];
  if (from === to) return null;
  if (to === 'waiting') return { words: metadata.waiting_reason ?? 'Waiting for Cliniko', tone: 'warn' };
  if (to === 'cancelling') return { words: 'Cancelling', tone: 'warn' };
  return from === 'waiting' ? { words: 'Continuing', tone: 'plain' } : null;
}
