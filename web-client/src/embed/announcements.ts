/**
 * What a screen reader announces of a run: its start, its quarters, a pause, its end, and a lost connection. A bar
 * that moves twenty times a second must not cause twenty announcements. Pure.
 */
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { ENGLISH, type SyncProgressTexts } from '../progress/texts.ts';

/** The subject of the last announcement; the next one must have another subject. */
export interface AnnouncedState {
  run: number | null;
  status: SyncLog['status'] | null;
  quarter: number;
  /** The quarter in which a wait of this run was announced; null: in none yet. */
  waitedIn: number | null;
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
  texts: SyncProgressTexts = ENGLISH,
): Announcement {
  const now = describe(announced, state, connection);
  return {
    announced: now,
    words: announced === null || !state.isKnown ? null : difference(announced, now, state, texts),
  };
}

function describe(
  announced: AnnouncedState | null,
  { log, percent }: OrganizationState,
  { kind }: Connection,
): AnnouncedState {
  const [run, quarter] = [log?.id ?? null, Math.floor(percent / 25)];
  const isWaiting = log?.status === 'running' && log.metadata.phase === 'waiting';
  return {
    run,
    status: log?.status ?? null,
    quarter,
    // A run that waits for each page is announced once for each quarter.
    waitedIn: isWaiting ? quarter : announced?.run === run ? announced.waitedIn : null,
    // Between two connection states nothing is known yet.
    isOffline: kind === 'offline' || (kind === 'connecting' && (announced?.isOffline ?? false)),
  };
}

function difference(
  before: AnnouncedState,
  now: AnnouncedState,
  { log, percent }: OrganizationState,
  texts: SyncProgressTexts,
): string | null {
  if (now.isOffline !== before.isOffline) {
    return now.isOffline ? texts.connectionLost : texts.connectedAgain;
  }
  if (log === null) return null;
  const isOtherRun = now.run !== before.run;
  if (log.status !== 'running') {
    return isOtherRun || before.status === 'running' ? texts.ended(log) : null;
  }
  if (isOtherRun) return texts.started;
  if (now.waitedIn !== before.waitedIn) return texts.waiting(log);
  if (now.quarter > before.quarter && now.quarter < 4) return texts.percentDone(Math.floor(percent));
  return null;
}
