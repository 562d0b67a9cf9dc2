/**
 * The access token that was typed into this tab, for a server with accounts. It is gone when the tab is closed.
 *
 * Nobody knows beforehand whether a server has accounts: the pages ask as if it had none, and its first 401 is the
 * question for a token. The token goes into headers only; streams carry what the server gives for it (live/access.ts).
 *
 * Not here: what is asked and how (sign-in-card.tsx).
 */
import { useSyncExternalStore } from 'react';

export type Session =
  /** Nobody has asked for a token yet. */
  | { kind: 'open' }
  | { kind: 'signed-in'; token: string }
  /** `hasLapsed`: the server does not take the last one any more. */
  | { kind: 'asked'; hasLapsed: boolean };

const KEY = 'patient-sync.token';
const listeners = new Set<() => void>();
let session: Session = kept();

export function useSession(): Session {
  return useSyncExternalStore(
    (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    () => session,
  );
}

/** @param token that the server has taken already */
export function signIn(token: string): void {
  keep(token);
  change({ kind: 'signed-in', token });
}

export function signOut(): void {
  keep(null);
  change({ kind: 'asked', hasLapsed: false });
}

/** `fetch` with the token of this session, which ends when the server refuses it. */
export const sessionFetch: typeof fetch = async (input, init) => {
  const sent = currentToken();
  const response = await (sent === null ? fetch(input, init) : fetchWith(sent)(input, init));
  // An answer to what was sent before somebody signed in says nothing about the token of now.
  if (response.status === 401 && session.kind !== 'asked' && sent === currentToken()) {
    keep(null);
    change({ kind: 'asked', hasLapsed: sent !== null });
  }
  return response;
};

export function fetchWith(token: string): typeof fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(input, { ...init, headers });
  };
}

/** What a watch needs. Tabs that have signed in with the same token share its connection (live/tab-sharing.ts). */
/** Tabs share what they watch: whoever signs in or out begins a new page, and with it a new watch. */
export function watchAccess() {
  return { getToken: async () => currentToken(), fetch: sessionFetch, share: true };
}

function currentToken(): string | null {
  return session.kind === 'signed-in' ? session.token : null;
}

function change(next: Session): void {
  session = next;
  for (const tell of listeners) tell();
}

/** A browser may forbid a page to keep anything: then a token lasts as long as the page. */
function kept(): Session {
  try {
    const token = sessionStorage.getItem(KEY);
    return token === null ? { kind: 'open' } : { kind: 'signed-in', token };
  } catch {
    return { kind: 'open' };
  }
}

function keep(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // See kept().
  }
}
