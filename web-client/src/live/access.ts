/**
 * How the client authenticates to a server with accounts. Browsers' EventSource and WebSocket cannot send headers, so
 * their address carries a short-lived stream token. Requests made with `fetch` carry an API token in a header.
 */
import * as z from 'zod/mini';
import type { Bye } from '#contract/stream-event.ts';

/** The parts of the answers that are used here; `contract/problem.ts` and `contract/access.ts` describe the whole ones. */
export const Refusal = z.object({ detail: z.string() });
const IssuedToken = z.object({ token: z.string() });

export interface Access {
  /** An API token, for the `Authorization` header of requests; null without accounts. */
  getToken?: (() => Promise<string | null>) | undefined;
  /**
   * A token for the address of a stream. It is requested each time a stream is opened. Default: a stream token that
   * the server issues for the API token. A page that must not know the API token lets its own backend request the
   * stream token.
   *
   * @param why `reauth`: the server said that the last token expires soon
   */
  getStreamToken?: ((why: OpenReason) => Promise<string | null>) | undefined;
}

export type OpenReason = 'connect' | 'reauth';

/** After a `bye` frame. */
export function openReason({ reason }: Bye): OpenReason {
  return reason === 'reauth' ? 'reauth' : 'connect';
}

/** @throws any error of the hook */
export async function withStreamToken(url: string, access: Access, why: OpenReason): Promise<string> {
  return withQuery(url, 'token', (await access.getStreamToken?.(why)) ?? null);
}

export function withQuery(url: string, name: string, value: string | null): string {
  if (value === null) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
}

/** @throws any error of the hook */
export async function authorization({ getToken }: Access): Promise<Record<string, string>> {
  const token = (await getToken?.()) ?? null;
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/**
 * A browser does not tell a page why its WebSocket was refused. A plain request gets the same refusal with a message.
 *
 * @returns undefined when the server does not answer, or does not refuse
 */
export async function whyRefused(
  access: Access,
  { baseUrl, fetch: fetchNow }: { baseUrl: string; fetch: typeof fetch },
): Promise<string | undefined> {
  try {
    const response = await fetchNow(`${baseUrl}/api/v1/stream-tokens`, {
      method: 'POST',
      headers: { ...(await authorization(access)), 'content-type': 'application/json' },
      body: '{}',
    });
    if (response.status !== 403) return undefined;
    return Refusal.safeParse(await response.json()).data?.detail;
  } catch {
    return undefined;
  }
}

/**
 * Adds the default way to get stream tokens.
 *
 * @param organizations that the streams cover
 */
export function completeAccess(
  { getToken, getStreamToken }: Access,
  organizations: '*' | readonly number[],
  { baseUrl, fetch: fetchNow }: { baseUrl: string; fetch: typeof fetch },
): Access {
  const exchange = async (): Promise<string | null> => {
    const bearer = await authorization({ getToken });
    if (bearer.authorization === undefined) return null;
    const response = await fetchNow(`${baseUrl}/api/v1/stream-tokens`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify({ organizations }),
    });
    const issued = IssuedToken.safeParse(response.ok ? await response.json() : undefined);
    if (issued.success) return issued.data.token;
    throw new Error(`The server gave no stream token (${response.status}).`);
  };
  return { getToken, getStreamToken: getStreamToken ?? (getToken && exchange) };
}
