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
  /** In milliseconds of the client's clock. */
  at: number;
  organizationId: number;
  words: string;
  tone: Tone;
}

const LINES_KEPT = 100;

export function activityBetween(
  before: EverythingState,
  after: EverythingState,
): Omit<ActivityLine, 'key' | 'at'>[] {
  return changedPairs(before, after).flatMap(([state, next]) => {
    const news = describeChange(state.log, next.log);
    return news === null ? [] : [{ organizationId: next.organizationId, ...news }];
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

export function withLines(
  lines: readonly ActivityLine[],
  news: readonly Omit<ActivityLine, 'key' | 'at'>[],
  at: number,
): readonly ActivityLine[] {
  if (news.length === 0) return lines;
  const first = (lines[0]?.key ?? 0) + 1;
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
  if (log.status === 'running')
    return { words: `${operationWords(log.operation_type)} started`, tone: 'plain' };
  return { words: endWords(log), tone: RUN_TONES[displayState(log)] };
}

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
