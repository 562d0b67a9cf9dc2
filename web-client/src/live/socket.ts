/**
 * One WebSocket of the ops console: frames parsed, and its end told once. A browser hides protocol pings from pages,
 * so a connection that died silently is noticed by the absence of `ping` frames.
 *
 * Not here: what frames mean (everything-state.ts), reconnecting (watch-everything.ts).
 */
import { type ClientFrame, ServerFrame, SUBPROTOCOL } from '../../../src/contract/socket-frame.ts';

/** What we need of a WebSocket; Node 20 has none of its own. */
export interface SocketLike {
  addEventListener(
    type: 'message' | 'close' | 'error',
    listener: (event: MessageEvent | Event) => void,
  ): void;
  send(text: string): void;
  close(): void;
}
export type OpenSocket = (url: string, subprotocol: string) => SocketLike;

export interface SocketHandlers {
  onFrame(frame: ServerFrame): void;
  /** Nothing follows. */
  onEnd(): void;
}

export interface Socket {
  send(frame: ClientFrame): void;
  /** Without a call of `onEnd`. */
  close(): void;
}

const SILENCE_FACTOR = 2.5;

export function openOpsSocket(
  { url, openSocket, helloTimeoutMs }: { url: string; openSocket: OpenSocket; helloTimeoutMs: number },
  handlers: SocketHandlers,
): Socket {
  const socket = openSocket(url, SUBPROTOCOL);
  let silenceMs = helloTimeoutMs;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;

  const close = (): void => {
    hasEnded = true;
    clearTimeout(watchdog);
    socket.close();
  };
  const end = (): void => {
    if (hasEnded) return;
    close();
    handlers.onEnd();
  };
  const listen = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(end, silenceMs);
  };
  socket.addEventListener('message', (event) => {
    if (hasEnded) return;
    const frame = ServerFrame.safeParse(parseJson(event));
    // A frame that we cannot read may have been a change: begin again rather than go on with a hole.
    if (!frame.success) return end();
    if (frame.data.type === 'hello') silenceMs = frame.data.heartbeat_ms * SILENCE_FACTOR;
    listen();
    handlers.onFrame(frame.data);
  });
  socket.addEventListener('close', end);
  socket.addEventListener('error', end);
  listen();
  return { send: (frame) => socket.send(JSON.stringify(frame)), close };
}

function parseJson(event: MessageEvent | Event): unknown {
  try {
    return 'data' in event ? JSON.parse(String(event.data)) : undefined;
  } catch {
    return undefined;
  }
}
