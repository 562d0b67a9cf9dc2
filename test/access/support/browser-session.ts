/** A person's browser at a server with accounts, as far as the server sees it: its cookie, and the origin of its pages. */
import { createSignInLink } from '../../../src/access/sign-in-links.ts';
import type { GuardedServer } from './guarded-server.ts';

export interface BrowserSession {
  cookie: string;
  /** What a browser adds to each request of a page of this server. */
  headers: Record<string, string>;
  /** A request below `/api/v1` by a page of this server. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

export async function newCode(server: GuardedServer, tokenId: number): Promise<string> {
  const link = await createSignInLink(server.database, tokenId, 5);
  if (link === undefined) throw new Error(`No account ${tokenId} can sign in.`);
  return link.code;
}

export const pageHeaders = (server: { url: string }) => ({
  origin: new URL(server.url).origin,
  'sec-fetch-site': 'same-origin',
});

export function postCode(
  server: GuardedServer,
  code: string,
  headers: Record<string, string> = pageHeaders(server),
): Promise<Response> {
  return server.api('/sign-in', { method: 'POST', headers, body: JSON.stringify({ code }) });
}

/** `name=value` of the cookie that a response sets. */
export function cookieOf(response: Response): string {
  const [cookie = ''] = response.headers.getSetCookie();
  return cookie.split(';', 1)[0] ?? '';
}

export async function signInBrowser(server: GuardedServer, tokenId: number): Promise<BrowserSession> {
  const response = await postCode(server, await newCode(server, tokenId));
  if (response.status !== 204) throw new Error(`The sign-in was answered ${response.status}.`);
  return browserWith(server, cookieOf(response));
}

export function browserWith(server: GuardedServer, cookie: string): BrowserSession {
  const headers = { ...pageHeaders(server), cookie };
  return {
    cookie,
    headers,
    ask: (path, init = {}) =>
      server.api(path, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } }),
  };
}
