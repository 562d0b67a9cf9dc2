/** Parses client input at the edge. Invalid input is a 400 that names the field. */
import type { Context } from 'hono';
import { z } from 'zod';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { ProblemError } from './problem.ts';

const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,9}$/)
    .transform(Number)
    .refine((number) => number <= max);

const Id = wholeNumber(MAX_ROW_ID);
const Limit = wholeNumber(100);
const Flag = z.enum(['true', 'false']);

export function pathId(c: Context, name: 'orgId' | 'id'): number {
  return readId(c.req.param(name), name);
}

export function readId(text: string | undefined, name: string): number {
  return parse(Id, text, name, `must be a whole number from 1 to ${MAX_ROW_ID}`);
}

export function queryId(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  return readId(text, name);
}

/** 1 to 100, default 20. */
export function queryLimit(c: Context): number {
  const text = c.req.query('limit');
  return text === undefined ? 20 : parse(Limit, text, 'limit', 'must be a whole number from 1 to 100');
}

/** @param rule completes the sentence "`name` …" */
export function queryText<T extends z.core.$ZodType<string>>(
  c: Context,
  name: string,
  schema: T,
  rule: string,
): z.infer<T> | undefined {
  const text = c.req.query(name);
  return text === undefined ? undefined : parse(schema, text, name, rule);
}

/** `true` or `false`; default false. */
export function queryFlag(c: Context, name: string): boolean {
  const text = c.req.query(name);
  return text !== undefined && parse(Flag, text, name, 'must be true or false') === 'true';
}

export async function jsonBody<T extends z.core.$ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const text = await c.req.text();
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
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  // An unknown key is named by the issue itself: its path is that of the enclosing object.
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...unknown].map(String).join('.') || 'body';
  const rule = unknown.length > 0 ? 'is not a known field' : `is not valid: ${issue?.message}`;
  throw new ProblemError('INVALID_PARAMETER', `"${field.slice(0, 100)}" ${rule}.`, {
    field: field.slice(0, 100),
  });
}

/** NUL characters and lone surrogates: PostgreSQL stores neither in text nor in jsonb. An invalid key is reported by its parent. */
function fieldWithUnstorableText(value: unknown, field: string): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : field;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!isStorable(key)) return field;
    const found = fieldWithUnstorableText(inner, field === 'body' ? key : `${field}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

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
