/**
 * `/docs`: both API descriptions as one page. Plain HTML with one local style sheet and no script, so it works under the
 * strictest Content-Security-Policy and in any browser.
 */

import { html } from 'hono/html';
import { z } from 'zod';
import { examplesView } from './examples.ts';
import { type Html, SchemaView, schemaView } from './schema-view.ts';
import type { JsonSchema } from './schemas.ts';

const Contents = z.record(z.string(), z.object({ schema: SchemaView }));

const OperationView = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean(),
        description: z.string(),
        schema: SchemaView,
      }),
    )
    .default([]),
  requestBody: z.object({ content: Contents }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: Contents.optional() })),
});
type OperationView = z.infer<typeof OperationView>;

const OpenApiView = z.object({
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), OperationView)),
  webhooks: z.record(z.string(), z.object({ post: OperationView })),
  components: z.object({ schemas: z.record(z.string(), SchemaView) }),
});

const AsyncApiView = z.object({
  channels: z.record(
    z.string(),
    z.object({
      address: z.string(),
      title: z.string(),
      description: z.string(),
      messages: z.record(z.string(), z.object({ name: z.string(), payload: SchemaView })),
    }),
  ),
});

/** Everything that is put into it is escaped. */
export function docsPage(openapi: JsonSchema, asyncapi: JsonSchema, basePath: string): Html {
  const api = OpenApiView.parse(openapi);
  const live = AsyncApiView.parse(asyncapi);
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = api.tags.map(
    ({ name }) =>
      html`<section id="tag-${name}"><h2>${name}</h2>${operations
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ path, method, operation }) => operationView(method, path, operation))}</section>`,
  );
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${api.info.title}: API</title><link rel="stylesheet" href="${basePath}/docs/docs.css"></head>
<body><header><nav aria-label="Pages"><ul><li><a href="${basePath}/">Dashboard</a></li><li><a href="${basePath}/ops">All organizations</a></li></ul></nav>
<h1>${api.info.title} <small>${api.info.version}</small></h1><p>${words(api.info.description)}</p>
<p>As files: <a href="${basePath}/openapi.json">openapi.json</a>, <a href="${basePath}/asyncapi.json">asyncapi.json</a></p></header>
<nav aria-label="Sections" class="sections"><ul><li><a href="#examples">Examples</a></li>${api.tags.map(({ name }) => html`<li><a href="#tag-${name}">${name}</a></li>`)}
<li><a href="#live">Live events</a></li><li><a href="#sent">Webhooks sent</a></li><li><a href="#schemas">Schemas</a></li></ul></nav>
<main>${examplesView(basePath)}${sections}
<section id="live"><h2>Live events</h2>${Object.values(live.channels).map(channelView)}</section>
<section id="sent"><h2>Webhooks sent</h2>${Object.entries(api.webhooks).map(([event, { post }]) => operationView('post', event, post))}</section>
<section id="schemas"><h2>Schemas</h2>${Object.entries(api.components.schemas).map(
    ([name, schema]) => html`<article id="schema-${name}"><h3>${name}</h3>${schemaView(schema)}</article>`,
  )}</section></main></body></html>
`;
}

function operationView(method: string, path: string, operation: OperationView): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return html`<article id="${operationId}"><h3><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code></h3>
<p>${summary}.${description === undefined ? '' : html` ${words(description)}`}</p>
${parameters.length === 0 ? '' : parametersView(parameters)}
${requestBody === undefined ? '' : html`<h4>Body</h4>${contentsView(requestBody.content)}`}
<h4>Answers</h4><table>${Object.entries(responses).map(
    ([status, { description: what, content }]) =>
      html`<tr><th scope="row">${status}</th><td>${words(what)}</td><td>${contentsView(content ?? {})}</td></tr>`,
  )}</table></article>`;
}

function parametersView(parameters: OperationView['parameters']): Html {
  return html`<h4>Parameters</h4><table>${parameters.map(
    (parameter) =>
      html`<tr><th scope="row"><code>${parameter.name}</code> <small>${parameter.in}</small></th><td>${words(parameter.description)}</td><td>${schemaView(parameter.schema)}</td></tr>`,
  )}</table>`;
}

function contentsView(contents: z.infer<typeof Contents>): Html {
  return html`${Object.entries(contents).map(
    ([type, { schema }]) =>
      html`<div>${type === 'application/json' ? '' : html`<small>${type}</small> `}${schemaView(schema)}</div>`,
  )}`;
}

function channelView(channel: z.infer<typeof AsyncApiView>['channels'][string]): Html {
  return html`<article><h3><code>${channel.address}</code></h3><p>${channel.title}. ${words(channel.description)}</p>
<table>${Object.entries(channel.messages).map(
    ([id, { name, payload }]) =>
      html`<tr><th scope="row"><code>${name}</code> <small>${id.split('-')[0]}</small></th><td>${schemaView(payload)}</td></tr>`,
  )}</table></article>`;
}

/** Between backticks is code. */
function words(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))}`;
}
