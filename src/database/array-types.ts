/**
 * The array types that our statements use, told to postgres.js.
 *
 * It could ask the database for them when it connects (`fetch_types`), but a connection that is cut in that very moment
 * leaves a rejected promise with nobody to catch it, and that ends the process: just when the database restarts.
 */
import type { PostgresType } from 'postgres';

const INT4_ARRAY = 1007;
const TEXT_ARRAY = 1009;
const INT8_ARRAY = 1016;

const numbers = (oid: number): PostgresType<readonly number[]> => ({
  to: oid,
  from: [oid],
  serialize: (values: readonly number[]) => `{${values.join(',')}}`,
  parse: (text: string) => split(text).map(Number),
});

const texts: PostgresType<readonly string[]> = {
  to: TEXT_ARRAY,
  from: [TEXT_ARRAY],
  serialize: (values: readonly string[]) =>
    `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`,
  parse: (text: string) => split(text),
};

export const ARRAY_TYPES = {
  int4Array: numbers(INT4_ARRAY),
  int8Array: numbers(INT8_ARRAY),
  textArray: texts,
};

/** `{a,"b \"c\""}`: one dimension, without nulls, which is all that we store. */
function split(text: string): string[] {
  const elements = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g);
  return [...elements].map(([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '');
}
