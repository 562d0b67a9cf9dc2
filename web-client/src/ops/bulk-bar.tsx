/** What can be done with the selected organizations. At the bottom of the window, while something is selected. */
import type { RefCallback } from 'react';
import type { OperationAction } from '#contract/bulk-operation.ts';
import { formatCount } from '#contract/count.ts';
import { handOverToHeading } from '../ui/restore-focus.ts';
import type { Rights } from './use-rights.ts';

export interface BulkBarProps {
  count: number;
  rights: Rights;
  bar: RefCallback<HTMLElement>;
  onAction(action: OperationAction): void;
  onClear(): void;
}

const ACTIONS: readonly { action: OperationAction; words: string; key?: string; isAdmin?: true }[] = [
  { action: 'retry', words: 'Try again', key: 'r' },
  { action: 'start', words: 'Start full sync', key: 's' },
  { action: 'cancel', words: 'Cancel syncs', key: 'c' },
  { action: 'pause', words: 'Pause', key: 'p', isAdmin: true },
  { action: 'resume', words: 'Resume', isAdmin: true },
];

export function BulkBar({ count, rights, bar, onAction, onClear }: BulkBarProps) {
  return (
    <section ref={bar} className="bulk-bar" aria-label="Selection">
      <p role="status">
        <strong>{formatCount(count)}</strong> selected
      </p>
      {ACTIONS.filter(({ isAdmin }) => !isAdmin || rights.canPause).map(({ action, words, key }) => (
        <button
          key={action}
          type="button"
          className="btn btn-small"
          aria-keyshortcuts={key}
          onClick={() => onAction(action)}
        >
          {words}
        </button>
      ))}
      <button ref={handOverToHeading} type="button" className="btn btn-small btn-bare" onClick={onClear}>
        Clear
      </button>
    </section>
  );
}
