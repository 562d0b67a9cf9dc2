/** What the live region of a page says. A run that had ended when the page was opened is no news. */
import { useRef } from 'react';
import type { OrganizationState } from '../live/organization-state.ts';
import { statusText } from './status-text.ts';

export function useAnnouncement(state: OrganizationState): string {
  const atOpening = useRef<string | null>(null);
  const { log } = state;
  const ended = log !== null && log.status !== 'running' ? `${log.id} ${log.started_at}` : '';
  if (state.isKnown) atOpening.current ??= ended;
  return ended !== '' && ended === atOpening.current ? '' : statusText(state);
}
