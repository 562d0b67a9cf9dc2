/**
 * One WebSocket: parses its frames, and reports its end once, with the reason. A browser hides protocol pings from
 * pages, so missing `ping` frames reveal a connection that died silently.
 *
 * Not here: what frames mean (everything-state.ts, organization-socket.ts), reconnecting (watch-everything.ts,
 * transport-fallback.ts).
 */
import type { ClientFrame } from '#contract/client-frame.ts';
import { parseJson } from '#contract/parse-json.ts';
import { ServerFrame, SUBPROTOCOL } from '#contract/socket-frame.ts';
import { createWatchdog, SILENCE_FACTOR } from './stream.ts';

/**
 * The part of WebSocket that is used here. A browser's WebSocket and that of `ws` fit; Node 20 has none of its own.
 */
export interface SocketLike {
  addEventListener(type: 'message' | 'close' | 'error', listener: (event: object) => void): void;
  send(text: string): void;
  close(): void;
}
export type OpenSocket = (url: string, subprotocol: string) => SocketLike;

/** `refused`: closed before its `hello`. */
type SocketEnd = 'refused' | 'interrupted' | 'silent' | 'unreadable';

export interface SocketHandlers {
  onFrame(frame: ServerFrame): void;
  /** Nothing follows. */
  onEnd(how: SocketEnd): void;
}

export interface Socket {
  send(frame: ClientFrame): void;
  /** Without a call of `onEnd`. */
  close(): void;
}

/** @returns undefined where there is no WebSocket, as in Node 20 */
export function ownWebSocket(): OpenSocket | undefined {
  if (typeof WebSocket === 'undefined') return undefined;
  return (url, subprotocol) => new WebSocket(url, subprotocol);
}

/** @param baseUrl of the server; '' and a path are on the page's own origin */
export function socketAddress(baseUrl: string): string {
  const isOwnOrigin = baseUrl === '' || baseUrl.startsWith('/');
  const base = isOwnOrigin ? `${globalThis.location.origin}${baseUrl}` : baseUrl;
  return `${base.replace(/^http/, 'ws')}/api/v1/cliniko/ws`;
}

export function openOpsSocket(
  { url, openSocket, helloTimeoutMs }: { url: string; openSocket: OpenSocket; helloTimeoutMs: number },
  handlers: SocketHandlers,
): Socket {
  const socket = openSocket(url, SUBPROTOCOL);
  let silenceMs: number | undefined;
  let hasEnded = false;
  const watchdog = createWatchdog(() => end('silent'));

  const close = (): void => {
    hasEnded = true;
    watchdog.stop();
    socket.close();
  };
  const end = (how: SocketEnd): void => {
    if (hasEnded) return;
    close();
    handlers.onEnd(how);
  };
  const hasClosed = (): void => end(silenceMs === undefined ? 'refused' : 'interrupted');
  socket.addEventListener('message', (event) => {
    if (hasEnded) return;
    const frame = ServerFrame.safeParse('data' in event ? parseJson(event.data) : undefined).data;
    // An unreadable frame may have been a change: reconnect, because going on would leave a gap.
    if (frame === undefined) return end('unreadable');
    if (frame.type === 'hello') {
      silenceMs = frame.heartbeat_ms * SILENCE_FACTOR;
      watchdog.expectWithin(silenceMs);
    } else if (frame.type === 'ping' && silenceMs !== undefined) watchdog.expectWithin(silenceMs);
    handlers.onFrame(frame);
  });
  socket.addEventListener('close', hasClosed);
  socket.addEventListener('error', hasClosed);
  watchdog.expectWithin(helloTimeoutMs);
  return { send: (frame) => socket.send(JSON.stringify(frame)), close };
}
