/** WebSockets whose frames a test sends. */
import type { ServerFrame } from '#contract/socket-frame.ts';
import type { SocketLike } from '../../../web-client/src/live/socket.ts';

export interface FakeSocket extends SocketLike {
  url: string;
  sent: unknown[];
  isClosed: boolean;
  say(...frames: ServerFrame[]): void;
  drop(): void;
}

export function createFakeSockets() {
  const sockets: FakeSocket[] = [];
  const openSocket = (url: string): FakeSocket => {
    const socket = createFakeSocket(url);
    sockets.push(socket);
    return socket;
  };
  const newestSocket = (): FakeSocket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('No socket was opened.');
    return socket;
  };
  return { sockets, openSocket, newestSocket };
}

function createFakeSocket(url: string): FakeSocket {
  const listeners = new Map<string, (event: object) => void>();
  const socket: FakeSocket = {
    url,
    sent: [],
    isClosed: false,
    addEventListener: (type, listener) => void listeners.set(type, listener),
    send: (text) => void socket.sent.push(JSON.parse(text)),
    close: () => {
      socket.isClosed = true;
    },
    say(...frames) {
      for (const frame of frames) {
        listeners.get('message')?.(new MessageEvent('message', { data: JSON.stringify(frame) }));
      }
    },
    drop: () => listeners.get('close')?.(new Event('close')),
  };
  return socket;
}

export const SOCKET_HELLO: ServerFrame = { v: 1, type: 'hello', heartbeat_ms: 15_000 };

export function subscribed(recovered: boolean, ...ids: number[]): ServerFrame & { type: 'subscribed' } {
  return {
    v: 1,
    type: 'subscribed',
    id: 'address',
    streams: ids.map((organization_id) => ({
      organization_id,
      head: 'k7x2.4',
      recovered,
      reason: recovered ? null : 'epoch',
    })),
  };
}
