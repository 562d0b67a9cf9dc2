/**
 * `/openapi.json`, `/asyncapi.json`, and `/docs`, a page to read them on. They change with the program only, so each is
 * created once; the first request creates it, because that takes longer than the rest of a server's start.
 */
import { Hono } from 'hono';
import { asyncApiDocument } from './asyncapi.ts';
import { openApiDocument } from './document.ts';
import type { Operation } from './operation.ts';
import { docsPage } from './page.ts';
import { DOCS_STYLE } from './style.ts';

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-cache' };

/**
 * @param more operations beside our own: those of the old service
 * @param basePath `BASE_PATH`, '' at the root
 */
export function documentRoutes(version: string, more: readonly Operation[], basePath: string): Hono {
  const openapi = once(() => openApiDocument(version, more, basePath));
  const asyncapi = once(() => asyncApiDocument(version, basePath));
  const openapiText = once(() => JSON.stringify(openapi()));
  const asyncapiText = once(() => JSON.stringify(asyncapi()));
  const page = once(() => docsPage(openapi(), asyncapi(), basePath));
  const routes = new Hono();
  routes.get('/openapi.json', (c) => c.body(openapiText(), 200, JSON_HEADERS));
  routes.get('/asyncapi.json', (c) => c.body(asyncapiText(), 200, JSON_HEADERS));
  routes.get('/docs', (c) => c.html(page(), 200, { 'cache-control': 'no-cache' }));
  routes.get('/docs/docs.css', (c) =>
    c.body(DOCS_STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' }),
  );
  return routes;
}

function once<T>(create: () => T): () => T {
  let created: { value: T } | undefined;
  return () => {
    created ??= { value: create() };
    return created.value;
  };
}
