/**
 * The guide's button, and a second one for active patients alone.
 *
 * While a sync runs they stay where they are and do nothing: a button that is removed or `disabled` under the fingers
 * takes the keyboard's focus with it.
 */
import type { StartableSync } from '../api.ts';
import { GuideText } from '../look/icon.tsx';
import type { Start } from './use-start.ts';

export interface StartButtonsProps {
  start: Start;
  isRunning: boolean;
}

export function StartButtons({ start, isRunning }: StartButtonsProps) {
  const isBusy = isRunning || start.outcome.kind === 'asking';
  const begin = (type: StartableSync) => () => {
    if (!isBusy) start.begin(type);
  };
  return (
    <div className="start">
      <button
        type="button"
        className="btn btn-primary"
        aria-disabled={isBusy}
        onClick={begin('full_patients')}
      >
        <GuideText text="🔄 Start Full Sync" />
      </button>
      <button type="button" className="btn" aria-disabled={isBusy} onClick={begin('active_patients')}>
        Active only
      </button>
    </div>
  );
}
