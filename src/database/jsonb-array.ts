/**
 * A `jsonb[]` parameter in PostgreSQL's binary format: the JSON is sent as it is. As text, each side would escape every quote of
 * it, or search it for a separator. The patch of the driver sends such parameters (patches/README.md).
 *
 * Source: `array_recv` and `jsonb_recv` of PostgreSQL.
 */
import type { ISql, Parameter } from 'postgres';

const [JSONB, JSONB_ARRAY] = [3802, 3807];

const HEADER_BYTES = 20;

/** Of an element: its length, and the version of the format. */
const ELEMENT_BYTES = 5;
const JSONB_VERSION = 1;

/** @param elements JSON in UTF-8 */
export function jsonbArray(sql: ISql, elements: readonly Buffer[]): Parameter<Buffer> {
  return sql.typed(encode(elements), JSONB_ARRAY);
}

function encode(elements: readonly Buffer[]): Buffer {
  const size = elements.reduce((sum, { length }) => sum + ELEMENT_BYTES + length, HEADER_BYTES);
  const bytes = Buffer.allocUnsafe(size);
  const [dimensions, hasNulls, lowerBound] = [1, 0, 1];
  let at = 0;
  for (const field of [dimensions, hasNulls, JSONB, elements.length, lowerBound]) {
    at = bytes.writeInt32BE(field, at);
  }
  for (const element of elements) {
    at = bytes.writeInt32BE(element.length + 1, at);
    at = bytes.writeInt8(JSONB_VERSION, at);
    bytes.set(element, at);
    at += element.length;
  }
  return bytes;
}
