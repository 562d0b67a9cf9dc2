/**
 * A fuzzer of any OpenAPI 3.1 document: it knows only what the document says about an API.
 *
 * Each operation is sent what its schemas allow and what they do not. Whatever is answered must be in the document: the
 * status, the type and the shape of the body. Nothing may be answered with a 5xx, and an error must be a problem.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { arbitraryOf, closed, type Known, type Resolve, type Schema } from './generate.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: Schema;
}

interface Response {
  content?: Record<string, { schema: Schema }>;
}

export interface Operation {
  operationId: string;
  method: string;
  path: string;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, Response>;
}

export interface Document {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  components: { schemas: Record<string, Schema> };
}

export interface SentRequest {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** Whether every part is as the document allows. */
  isValid: boolean;
}

export function operationsOf({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

export function requestsOf(
  operation: Operation,
  document: Document,
  known: Known,
): fc.Arbitrary<SentRequest> {
  const resolve: Resolve = (reference) => {
    const schema = document.components.schemas[reference.split('/').at(-1) ?? ''];
    if (schema === undefined) throw new Error(`${reference} leads nowhere.`);
    return schema;
  };
  const { parameters = [], requestBody } = operation;
  const checker = createChecker(document);
  const values = parameters.map((parameter) => parameterValue(parameter, resolve, known));
  const schema = requestBody?.content['application/json']?.schema;
  const bodies = schema === undefined ? fc.constant(undefined) : bodyOf(schema, resolve, known);
  const isAbsent = (body: string | undefined): boolean =>
    body === undefined || (body === '' && requestBody?.required === false);
  return fc.tuple(fc.tuple(...values), bodies).map(([texts, body]) => {
    const given = parameters.flatMap((parameter, index) => {
      const text = texts[index];
      return text === undefined ? [] : [{ ...parameter, text }];
    });
    const isValid =
      given.every((one) => checker.allowsText(one.schema, one.text)) &&
      (schema === undefined || isAbsent(body) || checker.allowsBody(schema, body ?? ''));
    return { method: operation.method, ...addressOf(operation.path, given), body, isValid };
  });
}

function addressOf(pattern: string, given: readonly (Parameter & { text: string })[]) {
  const at = (place: Parameter['in']) => given.filter((one) => one.in === place);
  const query = new URLSearchParams(at('query').map(({ name, text }) => [name, text]));
  const path = at('path').reduce(
    (all, { name, text }) => all.replace(`{${name}}`, encodeURIComponent(text)),
    pattern,
  );
  const headers = Object.fromEntries(at('header').map(({ name, text }) => [name, text]));
  return { target: query.size === 0 ? path : `${path}?${query}`, headers };
}

/** Mostly what leads to something; also what the schema allows; now and then what no whole number and no word can be. */
function parameterValue(
  { name, in: place, required, schema }: Parameter,
  resolve: Resolve,
  known: Known,
): fc.Arbitrary<string | undefined> {
  const ids = (known[name] ?? []).map(String);
  const absent = fc.constant(undefined);
  // A header is bytes that HTTP allows.
  if (place === 'header') return fc.oneof(absent, fc.constantFrom('"x.1"', 'x.1', '*'));
  const valid = arbitraryOf(schema, resolve).map(String);
  const strange = fc.constantFrom(
    '0',
    '-1',
    '1.5',
    'a b',
    '99999999999',
    '💉',
    "1'--",
    '%00',
    '2147483648.0',
  );
  return fc.oneof(
    ...(ids.length > 0 ? [{ arbitrary: fc.constantFrom(...ids), weight: 8 }] : []),
    ...(required ? [] : [{ arbitrary: absent, weight: 6 }]),
    { arbitrary: valid, weight: 2 },
    { arbitrary: strange, weight: 1 },
  );
}

function bodyOf(schema: Schema, resolve: Resolve, known: Known): fc.Arbitrary<string> {
  const valid = arbitraryOf(schema, resolve, known);
  const unknownField = fc
    .tuple(valid, fc.jsonValue())
    .map(([value, extra]) => ({ ...Object(value), zz: extra }));
  return fc.oneof(
    { arbitrary: valid.map((value) => JSON.stringify(value)), weight: 3 },
    { arbitrary: unknownField.map((value) => JSON.stringify(value)), weight: 1 },
    { arbitrary: fc.constantFrom('', '{', '[]', '"x"', '7', 'null', '\u0000'), weight: 1 },
  );
}

/** Reads what was sent as its schema would have it. */
function createChecker(document: Document) {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const compiled = new Map<Schema, (value: unknown) => boolean>();
  const allows = (schema: Schema, value: unknown): boolean => {
    const validate = compiled.get(schema) ?? ajv.compile({ ...schema, components: document.components });
    compiled.set(schema, validate);
    return validate(value);
  };
  return {
    allowsText: (schema: Schema, text: string) =>
      allows(schema, schema.type === 'integer' && /^-?[0-9.]+$/.test(text) ? Number(text) : text),
    allowsBody(schema: Schema, text: string): boolean {
      try {
        return allows(schema, JSON.parse(text));
      } catch {
        return false;
      }
    },
  };
}

export interface Answered {
  status: number;
  type: string;
  body: string;
}

type Complaint = string | undefined;

/** @returns judges an answer: what is wrong with it, or undefined */
export function createJudge(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', ...closed(document) });
  const shapeOf = (operation: Operation, { status, type, body }: Answered): Complaint => {
    const place = `/paths/${pointer(operation.path)}/${operation.method.toLowerCase()}/responses/${status}`;
    const validate = ajv.getSchema(`api#${place}/content/${pointer(type)}/schema`);
    if (validate === undefined) return `has no schema for ${status}`;
    if (validate(JSON.parse(body))) return undefined;
    return `answered another shape: ${JSON.stringify(validate.errors)} in ${body.slice(0, 500)}`;
  };
  return (operation: Operation, request: SentRequest, answer: Answered): Complaint => {
    const documented = operation.responses[answer.status];
    const contents = Object.keys(documented?.content ?? {});
    if (documented === undefined) return `answered ${answer.status}, which is not documented`;
    return (
      statusComplaint(request, answer) ??
      typeComplaint(contents, answer) ??
      (contents.length > 0 && answer.type.includes('json') ? shapeOf(operation, answer) : undefined)
    );
  };
}

function statusComplaint(request: SentRequest, { status }: Answered): Complaint {
  if (status >= 500) return `answered ${status}`;
  return !request.isValid && status < 400 ? `took what its document forbids (${status})` : undefined;
}

function typeComplaint(contents: readonly string[], { status, type, body }: Answered): Complaint {
  if (status >= 400 && type !== 'application/problem+json') return `answered ${status} as "${type}"`;
  if (contents.length === 0) return body === '' ? undefined : `answered ${status} with a body`;
  return contents.includes(type) ? undefined : `answered "${type}", documented is ${contents.join(', ')}`;
}

/** A key as part of a JSON pointer within an address. */
function pointer(key: string): string {
  return encodeURIComponent(key.replace(/~/g, '~0').replace(/\//g, '~1'));
}
