/** Asks for confirmation of an irreversible action, and stays open with the reason when the action fails. */
import { AlertDialog } from '@base-ui/react/alert-dialog';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { messageOf } from '../api.ts';
import { ErrorNotice } from './error-notice.tsx';
import { useHandOver } from './restore-focus.ts';

export interface ConfirmDialogProps {
  isOpen: boolean;
  title: string;
  children: ReactNode;
  /** The action: "Cancel sync". Null: there is nothing left to confirm. */
  action: string | null;
  /** The alternative: "Keep running". */
  otherwise: string;
  onConfirm(): Promise<unknown>;
  onClose(): void;
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { isOpen, title, children, action, otherwise, onConfirm, onClose } = props;
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const opener = useRef(document.activeElement);
  const other = useRef<HTMLButtonElement>(null);
  const actionButton = useHandOver(other);
  useEffect(() => () => keepPlace(opener.current), []);
  const close = (): void => {
    setError(null);
    onClose();
  };
  const confirm = (): void => {
    if (isBusy) return;
    setIsBusy(true);
    // The same error is announced again only when it was gone.
    setError(null);
    onConfirm()
      .then(close, (error: unknown) => setError(messageOf(error)))
      .finally(() => setIsBusy(false));
  };
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={(open) => !open && close()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog dialog-small" finalFocus={() => placeAfter(opener.current)}>
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          <AlertDialog.Description className="dialog-text" render={<div />}>
            {children}
          </AlertDialog.Description>
          {error !== null && action !== null && <ErrorNotice words={error} />}
          <div className="dialog-actions">
            <AlertDialog.Close className="btn" ref={other}>
              {otherwise}
            </AlertDialog.Close>
            {action !== null && (
              <button
                ref={actionButton}
                type="button"
                className="btn btn-danger"
                aria-disabled={isBusy}
                onClick={confirm}
              >
                {action}
              </button>
            )}
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** The dialog returns the focus one frame after it closes. Its target may be removed by then. */
function keepPlace(opener: Element | null): void {
  const look = (): void => {
    if (document.activeElement === document.body) placeAfter(opener)?.focus();
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
}

/** The element that opened the dialog; if it was removed, the start of the page's main content. */
function placeAfter(opener: Element | null): HTMLElement | null {
  if (opener instanceof HTMLElement && opener.isConnected) return opener;
  const heading = document.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  return heading;
}
