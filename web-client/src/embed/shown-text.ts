/** The texts of the element for a state. Pure. */
import type { SyncLog } from '#contract/sync-log.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { nextAttemptAt, type SyncProgressTexts } from '../progress/texts.ts';
import { serverNow } from '../server-time.ts';
import { formatPercent } from '../ui/format.ts';
import { CLOCK, dayAndTimeText, TIME } from '../ui/time-format.ts';

/** The problem text explains a failed run, and one that could not store every patient: a tick would deny it. */
export function stepOf(
  { isKnown, log }: OrganizationState,
  { kind, refusal }: Connection,
  texts: SyncProgressTexts,
): string {
  if (!isKnown) return kind === 'offline' ? (refusal ?? texts.unreachable) : '';
  if (log === null) return texts.never;
  const problem = texts.problem(log);
  const isExplained = problem !== null && (log.status === 'completed' || isIn(log.error_details, problem));
  return isExplained ? '' : texts.step(log);
}

function isIn(details: string | null, problem: string): boolean {
  return details !== null && problem.includes(details);
}

export function countsOf(log: SyncLog | null, percent: number | null, texts: SyncProgressTexts): string {
  const counts = log === null ? '' : texts.counts(log);
  return percent === null ? counts : `${counts} (${formatPercent(percent)})`;
}

/** While the connection is lost nothing is promised. */
export function remainingOf(log: SyncLog | null, connection: Connection, texts: SyncProgressTexts): string {
  if (log === null) return '';
  if (!isConnected(connection)) return texts.asOf(momentText(connection.since, CLOCK));
  const nextAt = nextAttemptAt(log);
  if (nextAt !== null) return texts.nextAttempt(nextAt - serverNow());
  return log.status === 'running' ? texts.remaining(log) : '';
}

/** The day too when it is not today: a laptop may have slept over night. */
function momentText(at: number, today: Intl.DateTimeFormat): string {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? today.format(date) : dayAndTimeText(date);
}

export function connectionWords(
  { kind, since, isCatchingUp, refusedWith }: Connection,
  texts: SyncProgressTexts,
): string {
  switch (kind) {
    case 'connecting':
      return texts.connecting;
    case 'live':
      return isCatchingUp ? texts.catchingUp : texts.live;
    case 'polling':
      return texts.polling;
    case 'offline':
      if (refusedWith === 401 || refusedWith === 403) return texts.notAllowed;
      return texts.offlineSince(momentText(since, TIME));
    default:
      return kind satisfies never;
  }
}
