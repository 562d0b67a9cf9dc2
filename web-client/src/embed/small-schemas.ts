/**
 * The part of `zod/mini` that the frames need, for the embeddable script only: vite.embed.config.ts puts this module in its
 * place. Pages of other sites load the script, and `zod/mini` would add 7 KB (gzip) to its 10 KB.
 *
 * The schemas are the contract's, here as everywhere. A schema reads a value as data or rejects it, without a reason.
 * test/web-client/small-schemas.test.ts checks with thousands of values that both libraries agree.
 */
type Fits = (value: unknown) => boolean;

/** Of a value that does not fit. Not undefined, which is a value. */
const UNFIT = Symbol('unfit');

class Schema {
  readonly read: (value: unknown) => unknown;
  /** Of an enum. */
  readonly options: readonly string[];

  constructor(read: (value: unknown) => unknown, options: readonly string[] = []) {
    this.read = read;
    this.options = options;
  }

  check(...checks: Fits[]): Schema {
    return new Schema((value) => {
      const data = this.read(value);
      return checks.every((fits) => fits(data)) ? data : UNFIT;
    });
  }

  safeParse(value: unknown): { success: boolean; data?: unknown } {
    const data = this.read(value);
    return data === UNFIT ? { success: false } : { success: true, data };
  }
}

type Fields = Readonly<Record<string, unknown>>;
type Shape = Readonly<Record<string, Schema>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const fitting = (fits: Fits): Schema => new Schema((value) => (fits(value) ? value : UNFIT));

/** Undefined values are left out, and so is `__proto__`, which would not become a field. */
function fieldsOf(entries: Iterable<readonly [string, unknown]>): unknown {
  const fields: Record<string, unknown> = {};
  for (const [name, data] of entries) {
    if (data === UNFIT) return UNFIT;
    if (data !== undefined && name !== '__proto__') fields[name] = data;
  }
  return fields;
}

function readShape(shape: Shape, value: unknown): unknown {
  if (!isFields(value)) return UNFIT;
  return fieldsOf(Object.entries(shape).map(([name, schema]) => [name, schema.read(value[name])]));
}

/* @__NO_SIDE_EFFECTS__ */
export function object(shape: Shape): Schema {
  return new Schema((value) => readShape(shape, value));
}

/* @__NO_SIDE_EFFECTS__ */
export function looseObject(shape: Shape): Schema {
  return new Schema((value) => {
    const known = readShape(shape, value);
    if (!isFields(value) || !isFields(known)) return UNFIT;
    const others = Object.entries(value).filter(([name]) => !Object.hasOwn(shape, name));
    return fieldsOf([...Object.entries(known), ...others]);
  });
}

/* @__NO_SIDE_EFFECTS__ */
export function record(key: Schema, schema: Schema): Schema {
  return new Schema((value) => {
    if (!isFields(value)) return UNFIT;
    const entries = Object.entries(value);
    return entries.some(([name]) => key.read(name) === UNFIT)
      ? UNFIT
      : fieldsOf(entries.map(([name, field]) => [name, schema.read(field)]));
  });
}

/* @__NO_SIDE_EFFECTS__ */
export function array(schema: Schema): Schema {
  return new Schema((value) => {
    if (!Array.isArray(value)) return UNFIT;
    const items: unknown[] = value.map(schema.read);
    return items.includes(UNFIT) ? UNFIT : items;
  });
}

/** No value of one option fits another, because they differ in the discriminator. */
/* @__NO_SIDE_EFFECTS__ */
export function discriminatedUnion(_name: string, options: readonly Schema[]): Schema {
  return new Schema((value) => {
    const read = options.map((option) => option.read(value));
    return read.find((data) => data !== UNFIT) ?? UNFIT;
  });
}

/* @__NO_SIDE_EFFECTS__ */
export function string(): Schema {
  return fitting((value) => typeof value === 'string');
}

/* @__NO_SIDE_EFFECTS__ */
export function number(): Schema {
  return fitting(Number.isFinite);
}

/* @__NO_SIDE_EFFECTS__ */
export function int(): Schema {
  return fitting(Number.isSafeInteger);
}

/* @__NO_SIDE_EFFECTS__ */
export function boolean(): Schema {
  return fitting((value) => typeof value === 'boolean');
}

/* @__NO_SIDE_EFFECTS__ */
export function literal(word: unknown): Schema {
  return fitting((value) => value === word);
}

/* @__NO_SIDE_EFFECTS__ */
function anyOf(words: readonly string[]): Schema {
  return new Schema((value) => (words.some((word) => word === value) ? value : UNFIT), words);
}

/* @__NO_SIDE_EFFECTS__ */
function nothing(): Schema {
  return literal(null);
}

/* @__NO_SIDE_EFFECTS__ */
export function nullable(schema: Schema): Schema {
  return new Schema((value) => (value === null ? null : schema.read(value)));
}

/* @__NO_SIDE_EFFECTS__ */
export function optional(schema: Schema): Schema {
  return new Schema((value) => (value === undefined ? undefined : schema.read(value)));
}

/* @__NO_SIDE_EFFECTS__ */
function orElse(schema: Schema, fallback: unknown): Schema {
  return new Schema((value) => {
    const data = schema.read(value);
    return data === UNFIT ? fallback : data;
  });
}

export const regex =
  (pattern: RegExp): Fits =>
  (value) =>
    pattern.test(String(value));
export const minimum =
  (least: number): Fits =>
  (value) =>
    Number(value) >= least;
export const maximum =
  (most: number): Fits =>
  (value) =>
    Number(value) <= most;

export { anyOf as enum, nothing as null, orElse as catch };
