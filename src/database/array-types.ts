/**
 * Registers the array types that our statements use with postgres.js.
 *
 * The driver can read them from the database when it connects (`fetch_types`). But if the connection is lost at that moment,
 * the driver leaves an unhandled rejection, which ends the process, so a database restart could stop the server.
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

/** `{a,"b \"c\""}`: one dimension without nulls; we store no other arrays. */
function split(text: string): string[] {
  const elements = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g);
  return [...elements].map(([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '');
}
