/**
 * The keyboard shortcuts of the console. Disabled while an input has focus or a dialog is open, and by the person, for
 * speech input (WCAG 2.1.4).
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { keep, readKept } from '../browser-storage.ts';

const KEYS = ['/', 'j', 'k', 'x', 'X', 'a', 'r', 's', 'c', 'p', '?', 'Escape'] as const;
type Key = (typeof KEYS)[number];
export type Keys = Partial<Record<Key, () => void>>;

export function useKeys(keys: Keys, isOn: boolean): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    if (!isOn) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event)) return;
      const key = KEYS.find((one) => one === event.key);
      const act = key && newest.current[key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isOn]);
}

/** A checkbox takes no letters, so the shortcuts work from there too. */
function isElsewhere({ target }: KeyboardEvent): boolean {
  const taking =
    'input:not([type="checkbox"]), textarea, select, [contenteditable], [role="dialog"], [role="alertdialog"]';
  return target instanceof HTMLElement && target.closest(taking) !== null;
}

const STORED = 'patient-sync.keys';

/** Whether single keys do something; kept in this browser. */
export function useKeysSwitch(): [isOn: boolean, change: (isOn: boolean) => void] {
  const [isOn, setIsOn] = useState(() => readKept('localStorage', STORED) !== 'off');
  const change = useCallback((next: boolean): void => {
    setIsOn(next);
    keep('localStorage', STORED, next ? 'on' : 'off');
  }, []);
  return [isOn, change];
}
