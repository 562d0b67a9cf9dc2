/**
 * Server-Sent Events on the socket of a request, which belongs to the stream from then on, the head included.
 *
 * What is due is framed once (an HTTP chunk for HTTP/1.1, as it is for HTTP/1.0 proxies), and the same bytes go to every
 * client. Node's response would frame them anew for each, in three pieces, which is half of the time; and once begun it
 * keeps its head, and what that was made of, for as long as the stream is open. So it is never begun, and it closes with
 * the socket.
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

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 64 * 1024;

const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** A class: one for each stream, of which an idle one should cost little more than its socket. */
export class SseSocket {
  readonly socket: Socket;
  readonly #isChunked: boolean;

  /** @param begin `headers`: what middleware has put on the answer (CORS, security, the request id); `first` goes out with the head */
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

  /** The last word. Who has not taken it in time is cut off. */
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

/** The connection ends with the stream: Node would wait for an end of its own response before it read another request. */
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
