/** Asks the person before a dialog closes and its unsaved input is lost: by its buttons, Escape, a press beside it, or Back. */
import { type ReactNode, useState } from 'react';
import { useUnsavedWarning } from '../hooks/use-unsaved-warning.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';

export interface DiscardQuestion {
  /** Whether the dialog may close. When it may not, the person is asked. */
  mayClose(): boolean;
  /** Belongs into the dialog. */
  question: ReactNode;
}

/** @param onClose closes the dialog */
export function useDiscardQuestion(isUnsaved: boolean, onClose: () => void): DiscardQuestion {
  const [isAsked, setIsAsked] = useState(false);
  useUnsavedWarning(isUnsaved);
  return {
    mayClose() {
      if (isUnsaved) setIsAsked(true);
      return !isUnsaved;
    },
    question: (
      <ConfirmDialog
        isOpen={isAsked}
        title="Discard the changes?"
        action="Discard"
        otherwise="Keep editing"
        onConfirm={() => Promise.resolve(onClose())}
        onClose={() => setIsAsked(false)}
      >
        There are changes that are not saved.
      </ConfirmDialog>
    ),
  };
}
