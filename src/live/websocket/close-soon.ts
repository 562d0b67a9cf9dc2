/** Closes a WebSocket. A peer that does not read does not answer the close, so the socket is terminated after a limit. */
import type { WebSocket } from 'ws';

const CLOSE_LIMIT_MS = 1_000;

export function closeSoon(socket: WebSocket, code: number): void {
  socket.close(code);
  setTimeout(() => socket.terminate(), CLOSE_LIMIT_MS).unref();
}
