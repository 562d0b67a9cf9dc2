/** The keyboard shortcuts of the console. Disabled while an input has focus or a dialog is open. */
import { useEffect, useRef } from 'react';

export interface Keys {
  '/': () => void;
  j: () => void;
  k: () => void;
  c: () => void;
  '?': () => void;
}

export function useKeys(keys: Keys): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event)) return;
      if (!isKey(event.key)) return;
      event.preventDefault();
      newest.current[event.key]();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function isKey(key: string): key is keyof Keys {
  return key === '/' || key === 'j' || key === 'k' || key === 'c' || key === '?';
}

function isElsewhere({ target }: KeyboardEvent): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="alertdialog"]') !==
      null
  );
}
