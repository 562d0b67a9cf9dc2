/** Says that schedules rest: since when, by which account, and why. A live region that is always there announces it. */
import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';
import { Moment } from './time.tsx';

interface PausedFacts {
  /** ISO 8601 UTC. */
  at: string | null;
  by: string | null;
  reason: string | null;
}

export interface PausedNoticeProps {
  /** "Everything is paused"; null: nothing is. */
  words: string | null;
  facts?: PausedFacts;
  children?: ReactNode;
}

export function PausedNotice({ words, facts, children }: PausedNoticeProps) {
  return (
    <div role="status" className={words === null ? 'undrawn' : undefined}>
      {words !== null && (
        <div className="notice" data-tone="warn">
          <Icon name="pause" />
          <div>
            <p>
              <strong>
                {words}
                {facts && <SinceAndBy facts={facts} />}.
              </strong>
            </p>
            {facts !== undefined && facts.reason !== null && (
              <p>
                Reason: <bdi>{facts.reason}</bdi>
              </p>
            )}
            <p>{children}</p>
          </div>
        </div>
      )}
    </div>
  );
}

function SinceAndBy({ facts: { at, by } }: { facts: PausedFacts }) {
  return (
    <>
      {at !== null && (
        <>
          {' since '}
          <Moment at={at} />
        </>
      )}
      {by !== null && (
        <>
          , by <bdi>{by}</bdi>
        </>
      )}
    </>
  );
}
