/**
 * How a server with accounts knows us. Browsers' EventSource and WebSocket cannot send headers, so they carry a
 * short-lived stream token in their address; whatever is fetched carries an API token in a header.
 */
import type { Bye } from '#contract/stream-event.ts';
import { isFields, isText } from './read-log.ts';

export interface Access {
  /** An API token, for the `Authorization` header of requests; null without accounts. */
  getToken?: (() => Promise<string | null>) | undefined;
  /**
   * A token for the address of a stream, asked for anew whenever one is opened. Default: one that the server gives for
   * the API token. A page that must not know the API token has its own backend ask for it.
   *
   * @param why `reauth`: the server said that the last one is about to expire
   */
  getStreamToken?: ((why: OpenReason) => Promise<string | null>) | undefined;
}

export type OpenReason = 'connect' | 'reauth';

/** After a goodbye. */
export function openReason({ reason }: Bye): OpenReason {
  return reason === 'reauth' ? 'reauth' : 'connect';
}

/** @throws whatever the hook throws */
export async function withStreamToken(url: string, access: Access, why: OpenReason): Promise<string> {
  return withQuery(url, 'token', (await access.getStreamToken?.(why)) ?? null);
}

export function withQuery(url: string, name: string, value: string | null): string {
  if (value === null) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
}

/** @throws whatever the hook throws */
export async function authorization({ getToken }: Access): Promise<Record<string, string>> {
  const token = (await getToken?.()) ?? null;
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/**
 * A browser does not tell a page why its WebSocket was refused. The same refusal as an answer to a request has words.
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
    const problem: unknown = await response.json();
    return isFields(problem) && isText(problem.detail) ? problem.detail : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Fills in how stream tokens come about.
 *
 * @param organizations that the streams are of
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
    const answer: unknown = response.ok ? await response.json() : undefined;
    if (isFields(answer) && isText(answer.token)) return answer.token;
    throw new Error(`The server gave no stream token (${response.status}).`);
  };
  return { getToken, getStreamToken: getStreamToken ?? (getToken && exchange) };
}
