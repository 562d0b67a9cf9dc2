/**
 * The guide's button, and a menu of the other syncs.
 *
 * While a sync runs, both stay in place and do nothing: removing or disabling a focused button would lose the keyboard
 * focus. The cancel button is elsewhere (cancel-button.tsx).
 */
import { type RefObject, useState } from 'react';
import type { OperationType } from '#contract/sync-log.ts';
import { useMay } from '../auth/rights.ts';
import { GuideText, Icon } from '../ui/icon.tsx';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import type { OtherSyncsProps } from './other-syncs.tsx';
import type { Start } from './use-start.ts';

export interface StartButtonsProps {
  start: Start;
  isRunning: boolean;
  /** Gets the focus of the cancel button when that disappears. */
  startButton: RefObject<HTMLButtonElement | null>;
}

const OtherSyncs = loadOnDemand(
  () => import('./other-syncs.tsx').then(({ OtherSyncs: loaded }) => loaded),
  StandIn,
);

export function StartButtons({ start, isRunning, startButton }: StartButtonsProps) {
  const may = useMay('sync');
  const isBusy = isRunning || start.outcome.kind === 'asking';
  const begin = (type: OperationType) => () => {
    if (!isBusy) start.begin(type);
  };
  if (may === false) return null;
  return (
    <div className="start" data-unknown={may === undefined}>
      <div className="btn-pair">
        <button
          ref={startButton}
          type="button"
          className="btn btn-primary"
          aria-disabled={isBusy}
          onClick={begin('full_patients')}
        >
          <GuideText text={start.outcome.kind === 'asking' ? '🔄 Starting…' : '🔄 Start Full Sync'} />
        </button>
        <OtherSyncsWhenWanted isBusy={isBusy} begin={begin} />
      </div>
    </div>
  );
}

/** Loaded by the first press: the menu is rarely opened. */
function OtherSyncsWhenWanted(props: OtherSyncsProps) {
  const [isWanted, setIsWanted] = useState(false);
  if (isWanted) return <OtherSyncs {...props} />;
  return <StandIn {...props} onWanted={() => setIsWanted(true)} />;
}

function StandIn({ isBusy, onWanted }: OtherSyncsProps & { onWanted?(): void }) {
  return (
    <button
      type="button"
      className="btn btn-primary btn-icon"
      aria-label="Other syncs"
      aria-haspopup="menu"
      aria-disabled={isBusy}
      onClick={() => !isBusy && onWanted?.()}
    >
      <Icon name="down" />
    </button>
  );
}
