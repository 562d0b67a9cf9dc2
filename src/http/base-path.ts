/**
 * `BASE_PATH`: everything is served below it, as `/sync/api/v1/…` and `/sync/ops`.
 *
 * The path is removed before routing, so routes, policies and log lines have the same addresses in every set-up. A proxy
 * passes addresses on unchanged.
 *
 * Not here: what is written into pages and documents (server/page-routes.ts, openapi/routes.ts).
 */

/** Also answered without the base path: platforms and the image's health check ask the process and not the proxy. */
const ALSO_AT_ROOT = new Set(['/healthz', '/readyz']);

/**
 * @param url the target of a request: path and query
 * @param basePath `/sync`, or '' when there is none
 * @returns the address of the route; undefined when the target is not below the base path
 */
export function withoutBasePath(url: string, basePath: string): string | undefined {
  if (url.startsWith(basePath)) {
    const rest = url.slice(basePath.length);
    if (rest === '' || rest.startsWith('?')) return `/${rest}`;
    if (rest.startsWith('/') || basePath === '') return rest;
  }
  const [path = ''] = url.split('?', 1);
  return ALSO_AT_ROOT.has(path) ? url : undefined;
}
