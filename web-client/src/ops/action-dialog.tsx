/** Says what an action on several organizations will do, and begins it. Loaded when opened. */
import { type FormEvent, useId, useRef, useState } from 'react';
import type { OperationRequest } from '#contract/bulk-operation.ts';
import { messageOf } from '../api.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
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
  const [reason, setReason] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const input = useId();
  const words = wordsOf({ action, rows });
  const meant = meantBy(action, rows);
  const isEmpty = meant.length === 0;
  const confirm = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy || isEmpty) return;
    setIsBusy(true);
    const text = reason.trim();
    onConfirm({
      action,
      ...(action === 'pause' && text !== '' && { reason: text }),
      filter: { organizations: meant.map(({ id }) => id) },
    }).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setIsBusy(false);
    });
  };
  return (
    <DialogFrame title={words.title} isSmall initialFocus={button} onClose={onClose}>
      <form className="action-form" onSubmit={confirm}>
        {!isEmpty && <p>{words.effect}</p>}
        {!isEmpty && <p className="soft">{namesOf(meant.map(({ title }) => title))}</p>}
        {words.skipped !== null && <p className="soft">{words.skipped}</p>}
        {action === 'pause' && (
          <div className="field">
            <label htmlFor={input}>Reason, shown with each clinic (optional)</label>
            <input
              id={input}
              maxLength={300}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          </div>
        )}
        {error !== null && <ErrorNotice words={error} />}
        <div className="dialog-actions">
          <button type="button" className="btn" onClick={onClose}>
            Not now
          </button>
          <button
            ref={button}
            type="submit"
            className={action === 'cancel' ? 'btn btn-danger' : 'btn btn-primary'}
            aria-disabled={isBusy || isEmpty}
          >
            {words.button}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}

function namesOf(titles: readonly string[]): string {
  const rest = titles.length - NAMED;
  return rest <= 0 ? titles.join(', ') : `${titles.slice(0, NAMED).join(', ')} and ${rest} more`;
}
