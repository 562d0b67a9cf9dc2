/**
 * Each part of the settings has an address, such as `&settings=key`: the browser's Back closes them, and other pages lead to
 * them. Their entries of the browser's history keep what belongs to the page (kept-state.ts).
 */
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { useMay } from '../auth/rights.ts';
import { addressOf } from './address.ts';
import type { SettingsPart } from './settings-dialog.tsx';

/** @returns null when the address shows no settings */
function settingsOf(search: string): SettingsPart | null {
  const part = new URLSearchParams(search).get('settings');
  return part === 'clinic' || part === 'schedule' || part === 'key' ? part : null;
}

export function addressOfSettings(organizationId: number, part: SettingsPart): string {
  return `${addressOf(organizationId)}&settings=${part}`;
}

export interface SettingsAddress {
  /** Null also for a person who may not change them, whatever the address says. */
  openPart: SettingsPart | null;
  /** The open settings say whether they may close. */
  mayClose: RefObject<(() => boolean) | null>;
  open(part: SettingsPart): void;
  /** Of open settings. */
  show(part: SettingsPart): void;
  close(): void;
}

export function useSettingsAddress(organizationId: number): SettingsAddress {
  const [openPart, setOpenPart] = useState(() => settingsOf(window.location.search));
  const mayChange = useMay('admin') === true;
  const mayClose = useRef<(() => boolean) | null>(null);
  useEffect(() => {
    const follow = (): void => {
      const part = settingsOf(window.location.search);
      // Back has changed the address already: it is restored while the person is asked.
      if (part === null && openPart !== null && mayClose.current?.() === false)
        window.history.pushState(window.history.state, '', addressOfSettings(organizationId, openPart));
      else setOpenPart(part);
    };
    window.addEventListener('popstate', follow);
    return () => window.removeEventListener('popstate', follow);
  }, [organizationId, openPart]);
  const open = useCallback(
    (part: SettingsPart): void => {
      window.history.pushState(window.history.state, '', addressOfSettings(organizationId, part));
      setOpenPart(part);
    },
    [organizationId],
  );
  const show = useCallback(
    (part: SettingsPart): void => {
      window.history.replaceState(window.history.state, '', addressOfSettings(organizationId, part));
      setOpenPart(part);
    },
    [organizationId],
  );
  const close = useCallback((): void => {
    // Not `back()`: it takes effect later, so it would also close settings that are opened again at once.
    window.history.replaceState(window.history.state, '', addressOf(organizationId));
    setOpenPart(null);
  }, [organizationId]);
  return { openPart: mayChange ? openPart : null, mayClose, open, show, close };
}
