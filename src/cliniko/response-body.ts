/** Reads the body of a response of Cliniko. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import { ClinikoError } from './error.ts';

/** The header `Accept-Encoding` of a request whose response is read here. */
export const ENCODINGS = 'gzip, br';

/** A page of 100 records is about 200 kB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['br', promisify(brotliDecompress)],
]);

/** @throws ClinikoError when the body is too large or cannot be decoded; errors of the network */
export async function readBody(response: IncomingMessage): Promise<Buffer> {
  const body = await readBytes(response);
  const encoding = response.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  const decode = DECODERS.get(encoding);
  // Also rejected: what is not in this encoding, is cut off, or is too large when decoded.
  const decoded = await decode?.(body, { maxOutputLength: MAX_BODY_BYTES }).catch(() => undefined);
  if (decoded === undefined) throw unreadable(response);
  return decoded;
}

async function readBytes(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw unreadable(response);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function unreadable({ statusCode = 0 }: IncomingMessage): ClinikoError {
  return new ClinikoError({ kind: 'unreadable', status: statusCode });
}
