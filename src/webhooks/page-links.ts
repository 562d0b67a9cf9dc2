/** The addresses of pages in messages, in the form that the pages read (web-client/src/dashboard/address.ts). */
import type { Context } from 'hono';

export interface PageLinks {
  clinic(organizationId: number): string;
  run(organizationId: number, syncLogId: number): string;
  /** All clinics. */
  all: string;
}

/** @param address where a person opens the pages, without a slash at its end */
export function pageLinks(address: string): PageLinks {
  const clinic = (organizationId: number) => `${address}/?org=${organizationId}`;
  return {
    clinic,
    run: (organizationId, syncLogId) => `${clinic(organizationId)}&run=${syncLogId}`,
    all: `${address}/ops`,
  };
}

/** `localhost:8000`, `10.0.0.5`: such an address seldom has a certificate. */
const PLAIN_HOST = /^(?:localhost|[\d.]+|\[.*\])(?::\d+)?$|:(?!443$)\d+$/;

/**
 * Where the sender of a request reaches this server, for links when `PUBLIC_URL` is not set. A browser names it in `Origin`,
 * also behind a proxy; for other clients only `Host` is known.
 */
export function addressOfRequest(c: Context, basePath: string): string | null {
  const host = c.req.header('host');
  if (host === undefined) return null;
  const origin = c.req.header('origin');
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === host)
    return `${origin}${basePath}`;
  const address = `${PLAIN_HOST.test(host) ? 'http' : 'https'}://${host}`;
  return URL.canParse(address) ? `${new URL(address).origin}${basePath}` : null;
}
