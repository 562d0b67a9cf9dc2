/**
 * Cancels the shown run. It is never where the start button is, and does nothing for a second after it appears: a
 * double press of the start button must not cancel the sync that it started.
 */
import { type RefObject, useEffect, useState } from 'react';
import { useMay } from '../auth/rights.ts';
import { useHandOver } from '../ui/restore-focus.ts';

const INACTIVE_FOR_MS = 1_000;

export interface CancelButtonProps {
  /** Gets the focus when this button disappears. */
  focusTarget: RefObject<HTMLElement | null>;
  onCancel(): void;
}

export function CancelButton({ focusTarget, onCancel }: CancelButtonProps) {
  const may = useMay('sync');
  const button = useHandOver(focusTarget);
  const [isInactive, setIsInactive] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setIsInactive(false), INACTIVE_FOR_MS);
    return () => clearTimeout(timer);
  }, []);
  if (may === false) return null;
  return (
    <button
      ref={button}
      type="button"
      className="btn btn-small btn-quiet-danger"
      aria-disabled={isInactive}
      onClick={() => !isInactive && onCancel()}
    >
      Cancel sync
    </button>
  );
}
