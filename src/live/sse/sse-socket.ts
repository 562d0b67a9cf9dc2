/**
 * Writes Server-Sent Events directly to the socket of a request, including the response head.
 *
 * Frames are encoded once (as an HTTP chunk for HTTP/1.1, unchunked for HTTP/1.0 proxies), and all clients get the same
 * bytes. Node's response would encode them for each client, in three writes, which is half of the time. Once started, it
 * also keeps its head and headers in memory while the stream is open. So the response is never started, and it closes
 * with the socket.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { encodeNotice, type Frame, joinChunked, joinSse, toChunk } from '../frame.ts';

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/** Maximum bytes buffered in a socket before writing pauses. */
const FULL_BYTES = 64 * 1024;

const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** A class, which saves memory: an idle stream costs little more than its socket. */
export class SseSocket {
  readonly socket: Socket;
  readonly #isChunked: boolean;

  /** @param begin `headers`: the response headers from middleware (CORS, security, the request id); `first` is sent with the head */
  constructor(
    response: ServerResponse,
    socket: Socket,
    begin: { headers: Record<string, string>; first: string },
  ) {
    this.socket = socket;
    this.#isChunked = response.useChunkedEncodingByDefault;
    const head = Buffer.from(headOf(begin.headers, this.#isChunked));
    this.#write(Buffer.concat([head, this.#framed(begin.first)]));
  }

  isFull(): boolean {
    return this.socket.writableLength > FULL_BYTES;
  }

  frames(batches: readonly (readonly Frame[])[]): void {
    const join = this.#isChunked ? joinChunked : joinSse;
    const [only] = batches;
    if (batches.length === 1 && only !== undefined) this.#write(join(only));
    else this.#write(Buffer.concat(batches.map(join)));
  }

  notice(notice: { type: string }): void {
    this.#write(this.#framed(encodeNotice(notice)));
  }

  /** Sends the last notice, and destroys the socket if the client has not received it within the limit. */
  end(notice: { type: string }, limitMs: number): void {
    if (this.socket.writableEnded) return;
    this.notice(notice);
    if (this.#isChunked) this.#write(LAST_CHUNK);
    this.socket.end();
    setTimeout(() => this.socket.destroy(), limitMs).unref();
  }

  #framed(text: string): Buffer {
    const bytes = Buffer.from(text);
    return this.#isChunked ? toChunk(bytes) : bytes;
  }

  #write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }
}

/** The connection closes with the stream: Node reads no further request until its own response ends. */
function headOf(headers: Record<string, string>, isChunked: boolean): string {
  const all = {
    ...headers,
    ...SSE_HEADERS,
    date: new Date().toUTCString(),
    connection: 'close',
    ...(isChunked && { 'transfer-encoding': 'chunked' }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`;
}
