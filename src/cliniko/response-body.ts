/** Reads the body of a response of Cliniko into memory that all responses share. */
import { ClinikoError } from './error.ts';

/** A page of 100 records is about 200 kB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A larger body, which is rare, gets memory of its own. */
const SHARED_BYTES = 1024 * 1024;

let shared: Buffer | undefined;

/**
 * @param read gets the whole body, and must not keep it: the next response overwrites it
 * @throws ClinikoError when the body is too large; errors of the network and of `read`
 */
export async function readBody<T>(response: Response, read: (body: Buffer) => T): Promise<T> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new ClinikoError({ kind: 'unreadable', status: response.status });
    chunks.push(chunk);
  }
  return read(size > SHARED_BYTES ? Buffer.concat(chunks) : inSharedMemory(chunks));
}

function inSharedMemory(chunks: readonly Uint8Array[]): Buffer {
  shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
  let size = 0;
  for (const chunk of chunks) {
    shared.set(chunk, size);
    size += chunk.byteLength;
  }
  return shared.subarray(0, size);
}
