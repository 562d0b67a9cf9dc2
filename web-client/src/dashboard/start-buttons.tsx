/**
 * The guide's button, a menu of the other syncs beside it, and, while one runs, its end.
 *
 * While a sync runs the first two stay where they are and do nothing: a button that is removed or `disabled` under the
 * fingers takes the keyboard's focus with it.
 */
import { lazy, Suspense, useState } from 'react';
import type { StartableSync } from '../api.ts';
import { GuideText, Icon } from '../look/icon.tsx';
import type { Start } from './use-start.ts';

export interface StartButtonsProps {
  start: Start;
  isRunning: boolean;
  onCancel(): void;
}

const OtherSyncs = lazy(() =>
  import('./other-syncs.tsx').then(({ OtherSyncs: loaded }) => ({ default: loaded })),
);

export function StartButtons({ start, isRunning, onCancel }: StartButtonsProps) {
  const isBusy = isRunning || start.outcome.kind === 'asking';
  const begin = (type: StartableSync) => () => {
    if (!isBusy) start.begin(type);
  };
  return (
    <div className="start">
      {isRunning && (
        <button type="button" className="btn btn-quiet-danger" onClick={onCancel}>
          Cancel sync
        </button>
      )}
      <div className="btn-pair">
        <button
          type="button"
          className="btn btn-primary"
          aria-disabled={isBusy}
          onClick={begin('full_patients')}
        >
          <GuideText text="🔄 Start Full Sync" />
        </button>
        <OtherSyncsWhenWanted isBusy={isBusy} begin={begin} />
      </div>
    </div>
  );
}

interface OtherSyncsWhenWantedProps {
  isBusy: boolean;
  begin(type: StartableSync): () => void;
}

/** The menu comes with the first press: most people never open it. */
function OtherSyncsWhenWanted(props: OtherSyncsWhenWantedProps) {
  const [isWanted, setIsWanted] = useState(false);
  const standIn = (
    <button
      type="button"
      className="btn btn-primary btn-icon"
      aria-label="Other syncs"
      aria-haspopup="menu"
      aria-disabled={props.isBusy}
      onClick={() => !props.isBusy && setIsWanted(true)}
    >
      <Icon name="down" />
    </button>
  );
  if (!isWanted) return standIn;
  return (
    <Suspense fallback={standIn}>
      <OtherSyncs {...props} />
    </Suspense>
  );
}
