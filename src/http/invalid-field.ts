/**
 * Says which field of a client's JSON is invalid, and what it may be, in words for a person: pages show the sentence beside
 * the field.
 *
 * A message of a schema completes the sentence "`field` …" ("must be an IANA time zone") and takes precedence over the rules here.
 */
import { z } from 'zod';

interface InvalidField {
  field: string;
  /** A sentence that begins with the field. */
  detail: string;
}

export type Parsed<T> = { value: T } | { invalid: InvalidField };

/** @param whole what the value itself is called: `body` */
export function parseFields<T extends z.core.$ZodType>(
  schema: T,
  value: unknown,
  whole: string,
): Parsed<z.infer<T>> {
  const result = z.safeParse(schema, value, { error: ruleOf });
  if (result.success) return { value: result.data };
  const issue = innermost(result.error.issues[0]);
  // An unknown key is named by the issue itself: its path is that of the enclosing object.
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = ([...(issue?.path ?? []), ...unknown].map(String).join('.') || whole).slice(0, 100);
  return { invalid: { field, detail: `"${field}" ${issue?.message ?? 'is not valid'}.` } };
}

type Issue = z.core.$ZodIssue;

/** Of a value that may have one of several forms: the issue of the form that the value has. */
function innermost(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const form = issue.errors.find(([first]) => first !== undefined && !isOtherForm(first));
  const inner = innermost(form?.[0]);
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

const isOtherForm = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');

function ruleOf(issue: z.core.$ZodRawIssue): string {
  const wanted = wantedOf(issue);
  if (wanted !== undefined)
    return issue.input === undefined ? `is missing: it must be ${wanted}` : `must be ${wanted}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'is not a known field';
    case 'too_small':
      return `must ${boundOf(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${boundOf(issue.origin, 'at most', issue.maximum)}`;
    default:
      return 'is not valid';
  }
}

/** What the value has to be instead; undefined when the issue is not about its type or form. */
function wantedOf(issue: Issue | z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return FORMATS[issue.format];
    case 'invalid_union':
      return issue.errors.map(([first]) => first && wantedOf(first)).join(' or ') || undefined;
    default:
      return undefined;
  }
}

const TYPES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const FORMATS: Record<string, string> = { url: 'an address with https://', email: 'an email address' };

function boundOf(origin: string, bound: 'at least' | 'at most', limit: number | bigint): string {
  if (origin === 'string') return `have ${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${bound} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return `be ${bound} ${limit}`;
}
