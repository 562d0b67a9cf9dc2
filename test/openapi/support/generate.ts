/** Values that a JSON Schema allows, as fast-check arbitraries; as much of JSON Schema as OpenAPI documents commonly use. */
import fc from 'fast-check';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

export type Resolve = (reference: string) => Schema;

/** Values that lead to something, by the name of their parameter or field: the ids of rows that exist, the name of a time zone. */
export type Known = Readonly<Record<string, readonly unknown[]>>;

/** @param known takes the place of most values of the fields that it names */
export function arbitraryOf(schema: Schema, resolve: Resolve, known: Known = {}): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return arbitraryOf(resolve(schema.$ref), resolve, known);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return fc.oneof(...either.map((one) => arbitraryOf(one, resolve, known)));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => arbitraryOf({ ...schema, type }, resolve, known)));
  }
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, resolve, known), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return objectOf(schema, resolve, known);
    default:
      return fc.jsonValue();
  }
}

function textOf({ pattern, format, minLength = 0, maxLength = 100 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  if (format === 'uri') return fc.webUrl();
  return fc.string({ minLength, maxLength: Math.min(maxLength, 100) });
}

function objectOf(
  { properties = {}, required = [] }: Schema,
  resolve: Resolve,
  known: Known,
): fc.Arbitrary<object> {
  const fieldOf = (name: string, schema: Schema): fc.Arbitrary<unknown> => {
    const allowed = arbitraryOf(schema, resolve, known);
    const good = known[name] ?? [];
    if (good.length === 0) return allowed;
    return fc.oneof({ arbitrary: fc.constantFrom(...good), weight: 3 }, { arbitrary: allowed, weight: 1 });
  };
  const values = Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, fieldOf(name, one)]),
  );
  return fc.record(values, { requiredKeys: required });
}

/** The same schema, refusing fields that it does not describe: what an answer holds has to be in the document. */
export function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner: Record<string, unknown> = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  const isOpen = 'properties' in inner && !('additionalProperties' in inner);
  return (isOpen && inner.type === 'object' ? { ...inner, additionalProperties: false } : inner) as T;
}
