/** Says what an action means, asks for a reason where one is shown later, and does it. Loaded when opened. */
import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';
import { messageOf } from '../api.ts';
import { useEndAtUnmount } from '../hooks/use-end-at-unmount.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { ErrorNotice } from './error-notice.tsx';

export interface ReasonDialogProps {
  title: string;
  /** The action: "Pause this clinic". */
  button: string;
  isDanger?: boolean;
  /** There is nothing to do. */
  isEmpty?: boolean;
  /** Null: no reason is asked for. */
  reasonLabel: string | null;
  children: ReactNode;
  /** @param reason null: none was given */
  onConfirm(reason: string | null): Promise<unknown>;
  onClose(): void;
}

export function ReasonDialog(props: ReasonDialogProps) {
  const {
    title,
    button,
    isDanger = false,
    isEmpty = false,
    reasonLabel,
    children,
    onConfirm,
    onClose,
  } = props;
  const [reason, setReason] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const actionButton = useRef<HTMLButtonElement>(null);
  const input = useId();
  const end = useEndAtUnmount();
  const confirm = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy || isEmpty) return;
    setIsBusy(true);
    // The same error is announced again only when it was gone.
    setError(null);
    end.current = whileCurrent(onConfirm(reason.trim() || null), onClose, (failure) => {
      setError(messageOf(failure));
      setIsBusy(false);
    });
  };
  return (
    <DialogFrame title={title} isSmall initialFocus={actionButton} onClose={onClose}>
      <form className="action-form" onSubmit={confirm}>
        {children}
        {reasonLabel !== null && (
          <div className="field">
            <label htmlFor={input}>{reasonLabel}</label>
            <input
              id={input}
              maxLength={300}
              readOnly={isBusy}
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
            ref={actionButton}
            type="submit"
            className={isDanger ? 'btn btn-danger' : 'btn btn-primary'}
            aria-disabled={isBusy || isEmpty}
          >
            {button}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}
