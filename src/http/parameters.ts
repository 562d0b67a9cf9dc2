/** Parses client input at the edge. Invalid input is a 400 that names the field. */
import type { Context } from 'hono';
import { z } from 'zod';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { parseFields } from './invalid-field.ts';
import { ProblemError } from './problem.ts';

export const Flag = z.enum(['true', 'false']);

export function pathId(c: Context, name: 'orgId' | 'id'): number {
  return readId(c.req.param(name), name);
}

/** Of a table whose ids exceed an `integer`. */
export function pathNumber(c: Context, name: 'deliveryId'): number {
  return readWholeNumber(c.req.param(name), name, Number.MAX_SAFE_INTEGER);
}

export function readId(text: string | undefined, name: string): number {
  return readWholeNumber(text, name, MAX_ROW_ID);
}

/** Given twice, one of the values would be ignored: the answer would be that of another question. */
export function queryValue(c: Context, name: string): string | undefined {
  const values = c.req.queries(name) ?? [];
  if (values.length <= 1) return values[0];
  throw new ProblemError('INVALID_PARAMETER', `"${name}" is given more than once. Send one value.`, {
    field: name,
  });
}

export function queryId(c: Context, name: string): number | undefined {
  const text = queryValue(c, name);
  if (text === undefined) return undefined;
  return readId(text, name);
}

/** From 1. */
export function queryCount(c: Context, name: string): number | undefined {
  const text = queryValue(c, name);
  return text === undefined ? undefined : readWholeNumber(text, name, Number.MAX_SAFE_INTEGER);
}

/** How many entries a page has: without `limit`, and at the most. */
export interface PageLimit {
  fallback: number;
  max: number;
}

export const PAGE: PageLimit = { fallback: 20, max: 100 };

export function queryLimit(c: Context, { fallback, max } = PAGE): number {
  const text = queryValue(c, 'limit');
  return text === undefined ? fallback : readWholeNumber(text, 'limit', max);
}

/** Leading zeros are refused: an id in a path has one spelling. */
function readWholeNumber(text: string | undefined, field: string, max: number): number {
  const number = text === undefined || text.startsWith('0') ? undefined : parseWholeNumber(text, 1, max);
  if (number !== undefined) return number;
  throw new ProblemError('INVALID_PARAMETER', `"${field}" must be a whole number from 1 to ${max}.`, {
    field,
  });
}

/** @param rule completes the sentence "`name` …" */
export function queryText<T extends z.core.$ZodType<string>>(
  c: Context,
  name: string,
  schema: T,
  rule: string,
): z.infer<T> | undefined {
  const text = queryValue(c, name);
  return text === undefined ? undefined : parse(schema, text, name, rule);
}

/** `true` or `false`; default false. */
export function queryFlag(c: Context, name: string): boolean {
  const text = queryValue(c, name);
  return text !== undefined && parse(Flag, text, name, 'must be true or false') === 'true';
}

export async function jsonBody<T extends z.core.$ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const text = await bodyText(c);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProblemError('INVALID_PARAMETER', 'The body must be JSON.', { field: 'body', cause });
  }
  const unstorable = fieldWithUnstorableText(value, 'body');
  if (unstorable !== undefined) {
    const field = unstorable.slice(0, 100);
    const detail = `"${field}" must not hold a NUL character or half of a surrogate pair.`;
    throw new ProblemError('INVALID_PARAMETER', detail, { field });
  }
  const parsed = parseFields(schema, value, 'body');
  if ('value' in parsed) return parsed.value;
  const { field, detail } = parsed.invalid;
  throw new ProblemError('INVALID_PARAMETER', detail, { field });
}

/** Every field of the schema is optional, and so is the body. */
export async function optionalJsonBody<T extends z.core.$ZodType>(
  c: Context,
  schema: T,
): Promise<z.infer<T>> {
  return (await bodyText(c)) === '' ? z.parse(schema, {}) : await jsonBody(c, schema);
}

/** A body in another encoding is refused: its letters beyond ASCII would be stored as replacement characters. */
export async function bodyText(c: Context): Promise<string> {
  const bytes = await c.req.arrayBuffer();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ProblemError('INVALID_PARAMETER', 'The body must be in UTF-8 and not compressed.', {
      field: 'body',
      cause,
    });
  }
}

/** NUL characters and lone surrogates: PostgreSQL stores neither in text nor in jsonb. An invalid key is reported by its parent. */
function fieldWithUnstorableText(value: unknown, field: string, depth = 0): string | undefined {
  if (depth > DEEPEST)
    throw new ProblemError('INVALID_PARAMETER', 'The body is nested too deeply.', { field: 'body' });
  if (typeof value === 'string') return isStorable(value) ? undefined : field;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!isStorable(key)) return field;
    const found = fieldWithUnstorableText(inner, field === 'body' ? key : `${field}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** No body of ours is as deep. Without a limit a small body would exhaust the stack. */
const DEEPEST = 64;

const isStorable = (text: string) => !/\0|\p{Surrogate}/u.test(text);

function parse<T extends z.core.$ZodType>(
  schema: T,
  value: unknown,
  field: string,
  rule: string,
): z.infer<T> {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new ProblemError('INVALID_PARAMETER', `"${field}" ${rule}.`, { field });
}
