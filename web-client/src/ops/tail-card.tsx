/** The latest events, newest first. Not a live region: on a busy day it would announce without pause. */

import { memo } from 'react';
import { BASE_PATH } from '../base-path.ts';
import { ClockTime } from '../ui/time.tsx';
import type { ActivityLine } from './activity.ts';
import type { EarlierEvents } from './use-everything.ts';

const NO_LINES: Record<EarlierEvents, string> = {
  loading: 'Looking for events…',
  loaded: 'Nothing has happened in the last hours.',
  failed: 'Earlier events could not be read: reload the page to see them. New ones appear here.',
};

export interface TailCardProps {
  lines: readonly ActivityLine[];
  earlier: EarlierEvents;
  names: ReadonlyMap<number, string>;
}

export const TailCard = memo(function TailCard({ lines, earlier, names }: TailCardProps) {
  return (
    <aside className="card tail" aria-labelledby="tail-title">
      <h2 id="tail-title">Events</h2>
      {lines.length === 0 ? (
        <p className="empty">{NO_LINES[earlier]}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section className="tail-scroller shaded" tabIndex={0} aria-label="Latest events">
          <ol className="tail-lines">
            {lines.map(({ key, at, organizationId, runId, words, tone }) => (
              <li key={key} data-tone={tone}>
                <span className="tail-at">
                  <ClockTime at={at} />
                </span>
                <a dir="auto" href={`${BASE_PATH}/?org=${organizationId}`}>
                  {names.get(organizationId) ?? `Organization ${organizationId}`}
                </a>
                <a className="tail-words" href={`${BASE_PATH}/?org=${organizationId}&run=${runId}`}>
                  {words}
                </a>
              </li>
            ))}
          </ol>
        </section>
      )}
    </aside>
  );
});
