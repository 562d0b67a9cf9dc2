/** Says what an action on several organizations will do, and begins it. Loaded when opened. */
import { Fragment, useState } from 'react';
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
      {!isEmpty && (
        <p className="soft">
          <Names titles={meant.map(({ title }) => title)} />
        </p>
      )}
      {words.skipped !== null && <p className="soft">{words.skipped}</p>}
    </ReasonDialog>
  );
}

function Names({ titles }: { titles: readonly string[] }) {
  const rest = titles.length - NAMED;
  return (
    <>
      {titles.slice(0, NAMED).map((title, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two clinics may have one name, and the list does not change.
        <Fragment key={place}>
          {place > 0 && ', '}
          <bdi>{title}</bdi>
        </Fragment>
      ))}
      {rest > 0 && ` and ${rest} more`}
    </>
  );
}
