/**
 * Watches all organizations on one WebSocket, and comes back to it for as long as it takes.
 *
 * The first connection subscribes in its address; later ones name the cursors that are known, so that only what was
 * missed comes again. There is no poll to fall back to here: `offline` says so.
 */
import { MAX_SOCKET_FRAME_BYTES, type ServerFrame } from '../../../src/contract/socket-frame.ts';
import { backoffMs, type Connection, type ConnectionKind, connectionChanged } from './connection.ts';
import { applyFrame, cursorsWithin, type EverythingState, hasMissed } from './everything-state.ts';
import { type OpenSocket, openOpsSocket, type Socket } from './socket.ts';

export interface WatchEverythingOptions {
  /** Of the server, with http or https and without a slash at its end. */
  baseUrl: string;
  onState(everything: EverythingState, connection: Connection): void;
  openSocket?: OpenSocket;
  helloTimeoutMs?: number;
}

export interface EverythingWatch {
  /** The network or the tab has come back: tries now what would be tried later. */
  wake(): void;
  stop(): void;
}

const RETRY = { firstMs: 500, mostMs: 15_000 };
/** Room for the rest of the subscribe frame. */
const BYTES_FOR_CURSORS = MAX_SOCKET_FRAME_BYTES - 1024;

export function watchEverything(options: WatchEverythingOptions): EverythingWatch {
  const { helloTimeoutMs = 5_000 } = options;
  const openSocket = options.openSocket ?? ((url, subprotocol) => new WebSocket(url, subprotocol));
  const address = `${options.baseUrl.replace(/^http/, 'ws')}/api/v1/cliniko/ws`;

  let everything: EverythingState = new Map();
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let socket: Socket | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let askedToReturnInMs: number | undefined;

  const tell = (next: EverythingState, kind: ConnectionKind): void => {
    const now = connectionChanged(connection, kind, Date.now());
    if (next === everything && now === connection) return;
    [everything, connection] = [next, now];
    options.onState(everything, connection);
  };
  const connect = (): void => {
    clearTimeout(retry);
    askedToReturnInMs = undefined;
    const isFirst = everything.size === 0;
    const url = isFirst ? `${address}?organizations=*` : address;
    const opened = openOpsSocket({ url, openSocket, helloTimeoutMs }, { onFrame: obey, onEnd: reconnect });
    socket = opened;
    function obey(frame: ServerFrame): void {
      if (frame.type === 'hello' && !isFirst) {
        const since = cursorsWithin(everything, BYTES_FOR_CURSORS);
        opened.send({ type: 'subscribe', id: 'all', organizations: '*', since });
      }
      act(frame);
    }
  };
  const act = (frame: ServerFrame): void => {
    if (frame.type === 'bye') askedToReturnInMs = frame.retry_ms;
    if (frame.type === 'subscribed') failures = 0;
    // A hole, or our one subscription was not served: the next socket asks again.
    if (frame.type === 'error' || (frame.type === 'ping' && hasMissed(everything, frame.heads))) startAgain();
    else tell(applyFrame(everything, frame), frame.type === 'subscribed' ? 'live' : connection.kind);
  };
  const startAgain = (): void => {
    socket?.close();
    reconnect();
  };
  const reconnect = (): void => {
    socket = undefined;
    tell(everything, failures === 0 ? 'connecting' : 'offline');
    clearTimeout(retry);
    retry = setTimeout(connect, askedToReturnInMs ?? backoffMs(failures, RETRY, Math.random()));
    failures += 1;
  };

  connect();
  return {
    wake() {
      if (socket === undefined) connect();
    },
    stop() {
      clearTimeout(retry);
      socket?.close();
    },
  };
}
