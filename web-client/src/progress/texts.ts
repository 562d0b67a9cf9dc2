/** The texts of the element and the hooks. A page may replace any of them, for another language. Pure. */
import { formatRemaining } from '#contract/duration.ts';
import { endText, problemText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { counterText } from '../ui/format.ts';

export interface SyncProgressTexts {
  /** Above the bar, without the attribute `label`. */
  label: string;
  connecting: string;
  live: string;
  /** Live again, while missed events arrive. */
  catchingUp: string;
  polling: string;
  /** The server refuses the token. */
  notAllowed: string;
  /** @param time in the language of the browser */
  offlineSince(time: string): string;
  /** The age of the state while the connection is lost. */
  asOf(time: string): string;
  /** Nothing is known, and the server does not answer. */
  unreachable: string;
  /** No sync has run. */
  never: string;
  /** "448 / 648 patients"; the percentage follows it. */
  counts(log: SyncLog): string;
  /** The current activity, or the result. */
  step(log: SyncLog): string;
  /** The failure, or that patients were not stored; null without one. */
  problem(log: SyncLog): string | null;
  /** Of a running sync; '' when it is not known. */
  remaining(log: SyncLog): string;
  /** While a run waits for Cliniko. */
  nextAttempt(leftMs: number): string;
  start: string;
  starting: string;
  /** For screen readers. */
  started: string;
  connectionLost: string;
  connectedAgain: string;
  percentDone(percent: number): string;
  waiting(log: SyncLog): string;
  ended(log: SyncLog): string;
}

export const ENGLISH: SyncProgressTexts = {
  label: 'Patient sync',
  connecting: 'Connecting',
  live: 'Live',
  catchingUp: 'Catching up',
  polling: 'Polling',
  notAllowed: 'Not allowed',
  offlineSince: (time) => `Offline since ${time}`,
  asOf: (time) => `as of ${time}`,
  unreachable: 'The server does not answer.',
  never: 'No sync yet.',
  counts: counterText,
  step: stepText,
  problem: problemText,
  remaining: ({ metadata: { estimated_remaining: left } }) => (left ? `${left} left` : ''),
  nextAttempt: (leftMs) => `next attempt ${leftMs > 0 ? `in ${formatRemaining(leftMs)}` : 'now'}`,
  start: 'Start sync',
  starting: 'Starting…',
  started: 'Sync started.',
  connectionLost: 'The connection is lost. The displayed state may be old.',
  connectedAgain: 'Connected again.',
  percentDone: (percent) => `Sync ${percent} percent done.`,
  waiting: ({ metadata }) => metadata.waiting_reason ?? 'Waiting for Cliniko.',
  ended: endText,
};

/** Texts that a page leaves out are English. */
export function completeTexts(texts: Partial<SyncProgressTexts> | null | undefined): SyncProgressTexts {
  return { ...ENGLISH, ...texts };
}

/** When a waiting run tries again, in milliseconds of the server's clock; null while it does not wait. */
export function nextAttemptAt(log: SyncLog | null): number | null {
  if (log?.status !== 'running' || log.metadata.phase !== 'waiting') return null;
  const at = Date.parse(log.metadata.waiting_until ?? '');
  return Number.isNaN(at) ? null : at;
}
