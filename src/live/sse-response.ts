/**
 * Server-Sent Events on Node's response: the head through Node, then the same bytes to every client's socket.
 *
 * What is due is framed once (an HTTP chunk for HTTP/1.1, as it is for HTTP/1.0 proxies) and handed to the socket
 * itself. `response.write` would frame it anew for every client, in three pieces; that is half of its time.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { encodeNotice, type Frame, joinChunked, joinSse, toChunk } from './frame.ts';

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 64 * 1024;

/** A class: one for each stream, of which an idle one should cost little more than its socket. */
export class SseOutput {
  readonly response: ServerResponse;
  readonly socket: Socket;

  /** @param begin `headers`: what middleware has put on the answer (CORS, security, the request id); `first` goes out with the head */
  constructor(
    response: ServerResponse,
    socket: Socket,
    begin: { headers: Record<string, string>; first: string },
  ) {
    this.response = response;
    this.socket = socket;
    response.writeHead(200, { ...begin.headers, ...SSE_HEADERS });
    // Apart, and still in one packet: a head that is written by itself is kept as one string and not as thirty pieces.
    socket.cork();
    response.flushHeaders();
    response.write(begin.first);
    socket.uncork();
    socket.setNoDelay(true);
  }

  isFull(): boolean {
    return this.socket.writableLength > FULL_BYTES;
  }

  frames(portions: readonly (readonly Frame[])[]): void {
    const join = this.response.chunkedEncoding ? joinChunked : joinSse;
    const [only] = portions;
    if (portions.length === 1 && only !== undefined) this.#write(join(only));
    else this.#write(Buffer.concat(portions.map(join)));
  }

  notice(notice: { type: string }): void {
    const bytes = Buffer.from(encodeNotice(notice));
    this.#write(this.response.chunkedEncoding ? toChunk(bytes) : bytes);
  }

  /** The last word. Who has not taken it in time is cut off. */
  end(notice: { type: string }, limitMs: number): void {
    if (this.response.writableEnded) return;
    this.response.end(encodeNotice(notice));
    setTimeout(() => this.response.writableFinished || this.socket.destroy(), limitMs).unref();
  }

  #write(bytes: Buffer): void {
    if (!this.response.writableEnded && !this.socket.destroyed) this.socket.write(bytes);
  }
}
