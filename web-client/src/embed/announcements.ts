/**
 * What a screen reader announces of a run: its start, its quarters, a pause, its end, and a lost connection. A bar
 * that moves twenty times a second must not cause twenty announcements. Pure.
 */
import { endText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';

/** The subject of the last announcement; the next one must have another subject. */
export interface AnnouncedState {
  run: number | null;
  status: SyncLog['status'] | null;
  quarter: number;
  isWaiting: boolean;
  isOffline: boolean;
}

export interface Announcement {
  announced: AnnouncedState;
  /** Null: nothing to announce. */
  words: string | null;
}

/** @param announced null at first: the initial content of a page is read, not announced */
export function announce(
  announced: AnnouncedState | null,
  state: OrganizationState,
  connection: Connection,
): Announcement {
  const now = describe(announced, state, connection);
  return {
    announced: now,
    words: announced === null || !state.isKnown ? null : difference(announced, now, state),
  };
}

function describe(
  announced: AnnouncedState | null,
  { log, percent }: OrganizationState,
  { kind }: Connection,
): AnnouncedState {
  return {
    run: log?.id ?? null,
    status: log?.status ?? null,
    quarter: Math.floor(percent / 25),
    isWaiting: log?.status === 'running' && log.metadata.phase === 'waiting',
    // Between two connection states nothing is known yet.
    isOffline: kind === 'offline' || (kind === 'connecting' && (announced?.isOffline ?? false)),
  };
}

function difference(
  before: AnnouncedState,
  now: AnnouncedState,
  { log, percent }: OrganizationState,
): string | null {
  if (now.isOffline !== before.isOffline) {
    return now.isOffline ? 'The connection is lost. The displayed state may be old.' : 'Connected again.';
  }
  if (log === null) return null;
  const isOtherRun = now.run !== before.run;
  if (log.status !== 'running') {
    return isOtherRun || before.status === 'running' ? endText(log) : null;
  }
  if (isOtherRun) return 'Sync started.';
  if (now.isWaiting && !before.isWaiting) return log.metadata.waiting_reason ?? 'Waiting for Cliniko.';
  if (now.quarter > before.quarter && now.quarter < 4) return `Sync ${Math.floor(percent)} percent done.`;
  return null;
}
