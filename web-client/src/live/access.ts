/**
 * How a server with accounts knows us. Browsers' EventSource and WebSocket cannot send headers, so they carry a
 * short-lived stream token in their address; whatever is fetched carries a token in a header.
 */
import type { Bye } from '../../../src/contract/stream-event.ts';

export interface Access {
  /**
   * A token for the address of a stream, asked for anew whenever one is opened; null without accounts.
   *
   * @param why `reauth`: the server said that the last one is about to expire
   */
  getStreamToken?: ((why: OpenReason) => Promise<string | null>) | undefined;
  /** A token for the `Authorization` header of requests. Default: the one of the streams. */
  getToken?: (() => Promise<string | null>) | undefined;
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
export async function authorization(access: Access): Promise<Record<string, string>> {
  const token = await (access.getToken?.() ?? access.getStreamToken?.('connect') ?? null);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}
