/** Reads the body of a response of Cliniko. */
import { ClinikoError } from './error.ts';

/** A page of 100 records is about 200 kB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** @throws ClinikoError when the body is too large; errors of the network */
export async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new ClinikoError({ kind: 'unreadable', status: response.status });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
