/** An open dialog with a title and a button that closes it. */
import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode, RefObject } from 'react';
import { Icon } from './icon.tsx';

export interface DialogFrameProps {
  title: string;
  isSmall?: boolean;
  /** Default: the first control. */
  initialFocus?: RefObject<HTMLElement | null> | undefined;
  /** Default: always. Asked before the dialog closes. */
  mayClose?: () => boolean;
  onClose(): void;
  children: ReactNode;
}

export function DialogFrame(props: DialogFrameProps) {
  const { title, isSmall = false, initialFocus, mayClose, onClose, children } = props;
  const onOpenChange = (isOpen: boolean, { cancel }: Dialog.Root.ChangeEventDetails): void => {
    if (isOpen) return;
    if (mayClose?.() === false) cancel();
    else onClose();
  };
  return (
    <Dialog.Root defaultOpen onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={isSmall ? 'dialog dialog-small' : 'dialog'} initialFocus={initialFocus}>
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">{title}</Dialog.Title>
            <Dialog.Close className="btn btn-icon btn-bare" aria-label="Close">
              <Icon name="cross" />
            </Dialog.Close>
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
