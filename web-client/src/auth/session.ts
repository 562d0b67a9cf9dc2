/**
 * The access of this page to a server with accounts: the cookie of a session, which the browser sends by itself and no script
 * can read, or the access token that was typed into this tab, which is gone when the tab is closed.
 *
 * Whether a server has accounts is not known beforehand: the pages send requests without a token, and the first 401
 * opens the sign-in card. The token is sent in headers only; streams carry a stream token (live/access.ts).
 *
 * Not here: the form (sign-in-card.tsx), the page of sign-in links (sign-in-page.tsx).
 */
import { useSyncExternalStore } from 'react';
import { keep, readKept } from '../browser-storage.ts';
import { hasUnsavedInput } from '../hooks/use-unsaved-warning.ts';
import { noteServerTime } from '../server-time.ts';

export type Session =
  /** No token is needed so far: the server has no accounts, or this browser has a session. */
  | { kind: 'open' }
  | { kind: 'signed-in'; token: string }
  /** `lapsed`: what the server no longer accepts. `isInputLost`: a form with input that was not saved is gone with the page. */
  | { kind: 'asked'; lapsed: Lapsed; isInputLost: boolean };

export type Lapsed = 'token' | 'session' | null;

const KEY = 'patient-sync.token';
const listeners = new Set<() => void>();
let session: Session = kept();
/** Whether the server has accepted the cookie of this browser. */
let isSession = false;

export function useSession(): Session {
  return useSyncExternalStore(
    (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    () => session,
  );
}

/** @param token that the server has accepted */
export function signIn(token: string): void {
  keep('sessionStorage', KEY, token);
  change({ kind: 'signed-in', token });
}

/** Forgets the token of this tab. The server ends a session itself (api.ts). */
export function signOut(): void {
  keep('sessionStorage', KEY, null);
  isSession = false;
  change({ kind: 'asked', lapsed: null, isInputLost: false });
}

/** The requests of this page are answered by the session of its cookie. */
export function hasSession(): void {
  isSession = true;
}

/** A session that begins now takes its place. */
export function forgetToken(): void {
  keep('sessionStorage', KEY, null);
}

/** `fetch` with the token of this session, which ends when the server rejects it. */
export const sessionFetch: typeof fetch = async (input, init) => {
  const sent = currentToken();
  const askedAt = Date.now();
  const response = await (sent === null ? fetch(input, init) : fetchWith(sent)(input, init));
  noteServerTime(response, askedAt);
  // A 401 to a request from before the sign-in says nothing about the current token.
  if (response.status === 401 && session.kind !== 'asked' && sent === currentToken()) {
    keep('sessionStorage', KEY, null);
    const lapsed = sent !== null ? 'token' : isSession ? 'session' : null;
    isSession = false;
    change({ kind: 'asked', lapsed, isInputLost: hasUnsavedInput() });
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

/**
 * The access of a watch. Tabs with the same token share its connection (live/tab-sharing.ts). Signing in or out reloads the
 * page, which begins a new watch.
 */
export function watchAccess() {
  return { getToken: async () => currentToken(), fetch: sessionFetch, share: true };
}

function currentToken(): string | null {
  return session.kind === 'signed-in' ? session.token : null;
}

function change(next: Session): void {
  session = next;
  for (const notify of listeners) notify();
}

function kept(): Session {
  const token = readKept('sessionStorage', KEY);
  return token === null ? { kind: 'open' } : { kind: 'signed-in', token };
}
