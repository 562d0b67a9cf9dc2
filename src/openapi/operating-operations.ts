/** Routes for those who run the server, and the pages. */
import { z } from 'zod';
import { Health, Readiness } from '#contract/health.ts';
import type { Operation } from './operation.ts';
import { IF_NONE_MATCH, NOT_MODIFIED } from './parameters.ts';

const page = (path: string, id: string, summary: string): Operation => ({
  method: 'get',
  path,
  id,
  tag: 'Pages',
  access: { isPublic: true },
  summary,
  answers: {
    200: { description: 'The page.', schema: z.string(), type: 'text/html' },
    503: { description: 'The pages were not built.', schema: z.string(), type: 'text/plain' },
  },
});

const document = (path: string, id: string, summary: string): Operation => ({
  method: 'get',
  path,
  id,
  tag: 'Operation',
  access: { isPublic: true },
  summary,
  answers: { 200: { description: 'The document.', schema: z.looseObject({}) } },
});

export const OPERATING_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/healthz',
    id: 'getHealth',
    tag: 'Operation',
    access: { isPublic: true },
    summary: 'Whether the process answers',
    answers: { 200: { description: 'The process answers.', schema: Health } },
  },
  {
    method: 'get',
    path: '/readyz',
    id: 'getReadiness',
    tag: 'Operation',
    access: { isPublic: true },
    summary: 'Whether this server is ready',
    answers: {
      200: { description: 'The server is ready.', schema: Readiness },
      503: { description: 'The server is not ready, or is stopping.', schema: Readiness },
    },
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'getMetrics',
    tag: 'Operation',
    summary: 'Metrics for Prometheus',
    answers: {
      200: {
        description: 'The metrics, in the text format of Prometheus.',
        schema: z.string(),
        type: 'text/plain',
      },
    },
  },
  document('/openapi.json', 'getOpenApi', 'This description, OpenAPI 3.1'),
  document('/asyncapi.json', 'getAsyncApi', 'The description of the streams, AsyncAPI 3.0'),
  {
    method: 'get',
    path: '/docs',
    id: 'getDocs',
    tag: 'Pages',
    access: { isPublic: true },
    summary: 'A page that shows both descriptions',
    answers: { 200: { description: 'The page.', schema: z.string(), type: 'text/html' } },
  },
  {
    method: 'get',
    path: '/docs/docs.css',
    id: 'getDocsStyle',
    tag: 'Pages',
    access: { isPublic: true },
    summary: 'The style sheet of that page',
    answers: { 200: { description: 'The style sheet.', schema: z.string(), type: 'text/css' } },
  },
  page('/', 'getDashboard', 'The dashboard'),
  {
    method: 'get',
    path: '/embed/sync-progress.js',
    id: 'getEmbed',
    tag: 'Pages',
    access: { isPublic: true },
    summary: 'The element <sync-progress>, for pages of other origins',
    headers: { 'if-none-match': IF_NONE_MATCH },
    answers: {
      200: {
        description: 'The script.',
        schema: z.string(),
        type: 'text/javascript',
        headers: { etag: 'Changes with the script.' },
      },
      304: NOT_MODIFIED,
      503: { description: 'The pages were not built.', schema: z.string(), type: 'text/plain' },
    },
  },
  page('/ops', 'getOpsConsole', 'The ops console'),
  page('/notifications', 'getNotificationsPage', 'The page of notifications'),
  page('/sign-in', 'getSignInPage', 'The page that a sign-in link opens'),
];
