/** Renders a JSON Schema for people: one line for its type, a list for its fields. */

import { html } from 'hono/html';
import { z } from 'zod';

/** As much of JSON Schema as our schemas use. */
export interface SchemaView {
  $ref?: string | undefined;
  type?: string | string[] | undefined;
  const?: unknown;
  enum?: unknown[] | undefined;
  pattern?: string | undefined;
  format?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  maxLength?: number | undefined;
  properties?: Record<string, SchemaView> | undefined;
  required?: string[] | undefined;
  items?: SchemaView | undefined;
  anyOf?: SchemaView[] | undefined;
  oneOf?: SchemaView[] | undefined;
}

export const SchemaView: z.ZodType<SchemaView> = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), SchemaView).optional();
  },
  get items() {
    return SchemaView.optional();
  },
  get anyOf() {
    return z.array(SchemaView).optional();
  },
  get oneOf() {
    return z.array(SchemaView).optional();
  },
});

export type Html = ReturnType<typeof html>;

export function schemaView(schema: SchemaView): Html {
  const fields = Object.entries(inner(schema).properties ?? {});
  if (fields.length === 0) return html`<code>${kindOf(schema)}</code>`;
  const required = new Set(inner(schema).required);
  return html`<code>${kindOf(schema)}</code><dl>${fields.map(
    ([name, field]) =>
      html`<dt><code>${name}</code>${required.has(name) ? '' : html` <small>optional</small>`}</dt><dd>${schemaView(field)}</dd>`,
  )}</dl>`;
}

/** The item type of a list. */
function inner(schema: SchemaView): SchemaView {
  return schema.items === undefined ? schema : inner(schema.items);
}

function kindOf(schema: SchemaView): Html {
  const { $ref, enum: words, type, items } = schema;
  const either = schema.anyOf ?? schema.oneOf;
  if ($ref !== undefined) return referenceLink($ref);
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (words !== undefined) return html`${words.map((word) => JSON.stringify(word)).join(' | ')}`;
  if (either !== undefined) return joined(either.map(kindOf));
  if (items !== undefined) return html`list of ${kindOf(items)}`;
  const kind = Array.isArray(type) ? type.join(' | ') : (type ?? 'anything');
  return html`${[kind, ...limitsOf(schema)].join(', ')}`;
}

function limitsOf({ format, pattern, minimum, maximum, maxLength }: SchemaView): string[] {
  return [
    format ?? '',
    pattern === undefined ? '' : `matches ${pattern}`,
    minimum === undefined ? '' : `≥ ${minimum}`,
    maximum === undefined ? '' : `≤ ${maximum}`,
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
  ].filter((limit) => limit !== '');
}

function referenceLink(reference: string): Html {
  const name = reference.split('/').at(-1) ?? reference;
  return html`<a href="#schema-${name}">${name}</a>`;
}

function joined(kinds: readonly Html[]): Html {
  return html`${kinds.map((kind, index) => (index === 0 ? kind : html` | ${kind}`))}`;
}
