/** Says what a pause, or its end, means for one clinic or for all, and does it. Loaded when opened. */
import { type FormEvent, useId, useRef, useState } from 'react';
import { messageOf } from '../api.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { ErrorNotice } from './error-notice.tsx';

export interface PauseDialogProps {
  action: 'pause' | 'resume';
  /** "this clinic", "everything". */
  subject: string;
  /** What happens. */
  effect: string;
  /** @param reason null: none was given */
  onConfirm(reason: string | null): Promise<unknown>;
  onClose(): void;
}

export function PauseDialog({ action, subject, effect, onConfirm, onClose }: PauseDialogProps) {
  const [reason, setReason] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const input = useId();
  const title = `${action === 'pause' ? 'Pause' : 'Resume'} ${subject}`;
  const confirm = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy) return;
    setIsBusy(true);
    onConfirm(reason.trim() || null).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setIsBusy(false);
    });
  };
  return (
    <DialogFrame title={`${title}?`} isSmall initialFocus={button} onClose={onClose}>
      <form className="action-form" onSubmit={confirm}>
        <p>{effect}</p>
        {action === 'pause' && (
          <div className="field">
            <label htmlFor={input}>Reason, shown with the pause (optional)</label>
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
          <button ref={button} type="submit" className="btn btn-primary" aria-disabled={isBusy}>
            {title}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}
