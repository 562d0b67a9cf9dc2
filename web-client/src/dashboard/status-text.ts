/**
 * What a screen reader announces of a sync: its start, each quarter, each wait and its end. Other steps leave the text
 * unchanged. Pure.
 */

import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { announcedEnd } from '../ui/result-text.ts';

export function statusText(state: OrganizationState): string {
  const { log } = state;
  if (log === null) return '';
  if (!isRunning(state)) return announcedEnd(log);
  if (log.metadata.phase === 'waiting') return log.metadata.waiting_reason ?? 'Waiting for Cliniko.';
  const quarter = quarterOf(state);
  return quarter === 0 ? 'Sync started.' : `Sync ${quarter} percent done.`;
}

export const quarterOf = ({ percent }: OrganizationState): number => Math.floor(percent / 25) * 25;
