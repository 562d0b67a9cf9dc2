/** The title and the icon of the browser's tab: they tell the end of a run while the person looks at another tab. */
import { useEffect } from 'react';
import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { type DisplayState, displayState } from '../ui/display-state.ts';
import { formatPercent, shownPercent } from '../ui/format.ts';

const ENDS: Partial<Record<DisplayState, string>> = {
  completed: 'Completed',
  partial: 'With errors',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** @returns the first part of the title; none when nothing has run */
export function tabTitle(state: OrganizationState, isFrozen: boolean): string[] {
  if (isFrozen) return ['Connection lost'];
  if (isRunning(state)) {
    const percent = shownPercent(state.log, state.percent);
    if (percent !== null) return [formatPercent(percent)];
    return [displayState(state.log) === 'queued' ? 'In the queue' : 'Running'];
  }
  const end = ENDS[displayState(state.log)];
  return end === undefined ? [] : [end];
}

const COLOURS: Partial<Record<DisplayState, string>> = {
  completed: '#15703a',
  partial: '#8a5200',
  failed: '#b0281e',
};

/** A dot in the colour of the end; the plain icon while nothing has ended. */
export function useRunIcon({ log }: Pick<OrganizationState, 'log'>): void {
  const colour = COLOURS[displayState(log)];
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link === null || colour === undefined) return;
    const plain = link.href;
    link.href = `data:image/svg+xml,${encodeURIComponent(iconWith(colour))}`;
    return () => {
      link.href = plain;
    };
  }, [colour]);
}

function iconWith(colour: string): string {
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">',
    '<rect width="32" height="32" rx="9" fill="#0f766e"/>',
    '<path d="M8 17.5h4l2.5-6.5 4 11 2.5-4.5H24" fill="none" stroke="#fff" stroke-width="2.6"/>',
    `<circle cx="24" cy="24" r="7.500" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`,
  ].join('');
}
