/** What the live region of a page says. A run that had ended when the page was opened is no news. */
import { useRef } from 'react';
import type { OrganizationState } from '../live/organization-state.ts';
import { quarterOf, statusText } from './status-text.ts';

export function useAnnouncement(state: OrganizationState): string {
  const atOpening = useRef<string | null>(null);
  const { log } = state;
  const ended = log !== null && log.status !== 'running' ? `${log.id} ${log.started_at}` : '';
  if (state.isKnown) atOpening.current ??= ended;
  const said = useRef({ quarter: '', words: '' });
  const quarter = `${log?.id} ${log?.status} ${quarterOf(state)}`;
  // Some runs wait for each page: the quarter is not said again after each wait, nor is a wait after the first one.
  const isWorking = log?.status === 'running' && log.metadata.phase !== 'waiting';
  const isSaid = isWorking && quarter === said.current.quarter;
  if (!isSaid) said.current = { quarter, words: statusText(state) };
  return ended !== '' && ended === atOpening.current ? '' : said.current.words;
}
