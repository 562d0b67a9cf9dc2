/**
 * What the person at this page may do, so that it offers nothing that the server would refuse. The server decides each request
 * by itself: this is no protection.
 *
 * Not here: signing in and out (session.ts).
 */
import { useEffect, useSyncExternalStore } from 'react';
import type { Account, Api } from '../api.ts';
import { readRepeatedly } from '../hooks/read-repeatedly.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { hasSession, type Session } from './session.ts';

/** `unknown`: the server has not answered, or gave no answer. */
type Known = Account | 'unknown';

/** Each scope includes those before it. */
const RANKED = ['read', 'sync', 'admin'];

const listeners = new Set<() => void>();
let known: Known | undefined;

const subscribe = (onChange: () => void) => {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
};

function learn(account: Known | undefined): void {
  known = account;
  for (const notify of listeners) notify();
}

/** The account of this page; undefined until it is known. */
export function useAccount(): Account | undefined {
  const account = useSyncExternalStore(subscribe, () => known);
  return account === 'unknown' ? undefined : account;
}

/** @returns undefined until the server has answered; true when it gives no answer, and decides by itself */
export function useMay(scope: 'sync' | 'admin'): boolean | undefined {
  const account = useSyncExternalStore(subscribe, () => known);
  if (account === undefined) return undefined;
  return account === 'unknown' || RANKED.indexOf(account.scope) >= RANKED.indexOf(scope);
}

/** Until the server has answered. */
const AGAIN_MS = 3_000;

/**
 * Reads the account of this page, again after each sign-in, and when a person looks at the page again: its session may have ended
 * in another tab, and a list of patients has no connection that tells. While the page asks for a sign-in nothing is known.
 */
export function useReadAccount(api: Api, session: Session): void {
  useEffect(() => {
    learn(undefined);
    if (session.kind === 'asked') return undefined;
    let stop = (): void => {};
    const read = (): void => {
      stop();
      stop = readRepeatedly(api.account, onAccount, onNoAnswer);
    };
    read();
    const stopListening = reconnectOnVisible({ reconnect: read });
    return () => {
      stopListening();
      stop();
    };
  }, [api, session]);
}

function onAccount(account: Account): null {
  if (account.kind === 'session') hasSession();
  learn(account);
  return null;
}

/** What is known stays. */
function onNoAnswer(): number | null {
  if (known === undefined) learn('unknown');
  return known === 'unknown' ? AGAIN_MS : null;
}
