/** Says what an action on several organizations will do, and begins it. Loaded when opened. */
import { useState } from 'react';
import type { OperationRequest } from '#contract/bulk-operation.ts';
import { ReasonDialog } from '../ui/reason-dialog.tsx';
import { type AskedAction, meantBy, wordsOf } from './actions.ts';

export interface ActionDialogProps {
  asked: AskedAction;
  onConfirm(request: OperationRequest): Promise<void>;
  onClose(): void;
}

const NAMED = 5;

export function ActionDialog({ asked, onConfirm, onClose }: ActionDialogProps) {
  // The rows go on changing behind the dialog; what was asked about stays.
  const [{ action, rows }] = useState(asked);
  const words = wordsOf({ action, rows });
  const meant = meantBy(action, rows);
  const isEmpty = meant.length === 0;
  const organizations = meant.map(({ id }) => id);
  return (
    <ReasonDialog
      title={words.title}
      button={words.button}
      isDanger={action === 'cancel'}
      isEmpty={isEmpty}
      reasonLabel={action === 'pause' ? 'Reason, shown with each clinic (optional)' : null}
      onConfirm={(reason) =>
        onConfirm({ action, ...(reason !== null && { reason }), filter: { organizations } })
      }
      onClose={onClose}
    >
      {!isEmpty && <p>{words.effect}</p>}
      {!isEmpty && <p className="soft">{namesOf(meant.map(({ title }) => title))}</p>}
      {words.skipped !== null && <p className="soft">{words.skipped}</p>}
    </ReasonDialog>
  );
}

function namesOf(titles: readonly string[]): string {
  const rest = titles.length - NAMED;
  return rest <= 0 ? titles.join(', ') : `${titles.slice(0, NAMED).join(', ')} and ${rest} more`;
}
