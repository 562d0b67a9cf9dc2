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

export interface SseOutput {
  frames(portions: readonly (readonly Frame[])[]): void;
  notice(notice: { type: string }): void;
  /** The last word. Who has not taken it in time is cut off. */
  end(notice: { type: string }, limitMs: number): void;
}

/** @param begin `headers`: what middleware has put on the answer (CORS, security, the request id); `first` goes out with the head */
export function sseOutput(
  response: ServerResponse,
  socket: Socket,
  begin: { headers: Record<string, string>; first: string },
): SseOutput {
  response.writeHead(200, { ...begin.headers, ...SSE_HEADERS });
  response.write(begin.first);
  socket.setNoDelay(true);
  const isChunked = response.chunkedEncoding;
  const join = isChunked ? joinChunked : joinSse;
  const write = (bytes: Buffer): void => {
    if (!response.writableEnded && !socket.destroyed) socket.write(bytes);
  };
  return {
    frames(portions) {
      const [only] = portions;
      if (portions.length === 1 && only !== undefined) write(join(only));
      else write(Buffer.concat(portions.map(join)));
    },
    notice(notice) {
      const bytes = Buffer.from(encodeNotice(notice));
      write(isChunked ? toChunk(bytes) : bytes);
    },
    end(notice, limitMs) {
      if (response.writableEnded) return;
      response.end(encodeNotice(notice));
      setTimeout(() => response.writableFinished || socket.destroy(), limitMs).unref();
    },
  };
}
