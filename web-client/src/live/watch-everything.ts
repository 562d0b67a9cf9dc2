/**
 * Watches all organizations on one WebSocket, and reconnects until it is stopped.
 *
 * The first connection subscribes in its address. Later ones send the known cursors, so that only missed events are
 * sent again. There is no poll as a fallback here: the connection is `offline` then.
 */
import type { ServerFrame } from '#contract/socket-frame.ts';
import type { StreamEvent } from '#contract/stream-event.ts';
import {
  type Access,
  completeAccess,
  type OpenReason,
  openReason,
  whyRefused,
  withStreamToken,
} from './access.ts';
import { backoffMs, type Connection, type ConnectionKind, connectionChanged } from './connection.ts';
import { applyFrame, cursorsWithin, type EverythingState, hasMissed } from './everything-state.ts';
import { hasReached } from './organization-state.ts';
import { type OpenSocket, openOpsSocket, ownWebSocket, type Socket, socketAddress } from './socket.ts';
import { openAfter } from './stream.ts';

export interface WatchEverythingOptions extends Access {
  /** Of the server, without a trailing slash; '' is the page's own origin. */
  baseUrl: string;
  onState(everything: EverythingState, connection: Connection): void;
  /** Every event as it arrives, before the state that it changes. */
  onEvent?: ((event: StreamEvent) => void) | undefined;
  /** Default: the browser's. Node 20 has none, so it is required there. */
  openSocket?: OpenSocket | undefined;
  fetch?: typeof fetch | undefined;
  helloTimeoutMs?: number;
}

export interface EverythingWatch {
  /** The network or the tab is back: retries now instead of after the current delay. */
  reconnect(): void;
  stop(): void;
}

const RETRY = { firstMs: 500, mostMs: 15_000 };
/**
 * The server reads frames of up to 16 KiB (`MAX_SOCKET_FRAME_BYTES`); this leaves space for the rest of the frame.
 */
export const BYTES_FOR_CURSORS = 15 * 1024;

/** @throws when there is no WebSocket and `openSocket` is absent */
export function watchEverything(options: WatchEverythingOptions): EverythingWatch {
  const { helloTimeoutMs = 5_000 } = options;
  const openSocket = options.openSocket ?? ownWebSocket();
  if (openSocket === undefined)
    throw new Error('This environment has no WebSocket: pass one as `openSocket`.');
  const { baseUrl, fetch: fetchNow = (...request) => fetch(...request) } = options;
  const access = completeAccess(options, '*', { baseUrl, fetch: fetchNow });
  const address = socketAddress(baseUrl);

  let everything: EverythingState = new Map();
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let closeSocket: (() => void) | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let refusal: string | undefined;
  let stopped = false;
  let requested: { inMs: number; why: OpenReason } | undefined;
  /** Heads of the organizations when the socket began, until the socket has delivered them. */
  let targets = new Map<number, string>();

  const report = (next: EverythingState, kind: ConnectionKind): void => {
    const isCatchingUp = kind === 'live' && isBehind(next, targets);
    const transport = kind === 'live' ? 'websocket' : undefined;
    const now = connectionChanged(connection, kind, Date.now(), {
      transport,
      isCatchingUp,
      refusal: kind === 'offline' ? refusal : undefined,
    });
    if (next === everything && now === connection) return;
    [everything, connection] = [next, now];
    options.onState(everything, connection);
  };
  const connect = (): void => {
    clearTimeout(retry);
    const why = requested?.why ?? 'connect';
    requested = undefined;
    const isFirst = everything.size === 0;
    closeSocket = openAfter(
      () => withStreamToken(isFirst ? `${address}?organizations=*` : address, access, why),
      (url) => {
        const opened = openOpsSocket(
          { url, openSocket, helloTimeoutMs },
          { onFrame: (frame) => handleFrame(frame, isFirst ? undefined : opened), onEnd: reconnect },
        );
        return opened.close;
      },
      () => reconnect(),
    );
  };
  const handleFrame = (frame: ServerFrame, subscribeOn: Socket | undefined): void => {
    if (frame.type === 'hello') resume(subscribeOn);
    else if (frame.type === 'bye') requested = { inMs: frame.retry_ms, why: openReason(frame) };
    // An event was missed, or the subscription was not served: the next socket resumes.
    else if (frame.type === 'error' || (frame.type === 'ping' && hasMissed(everything, frame.heads)))
      startAgain();
    else if (frame.type === 'subscribed') {
      failures = 0;
      targets = new Map(frame.streams.map((stream) => [stream.organization_id, stream.head]));
      report(applyFrame(everything, frame), 'live');
    } else {
      if ('log' in frame) options.onEvent?.(frame);
      report(applyFrame(everything, frame), connection.kind);
    }
  };
  const resume = (subscribeOn: Socket | undefined): void => {
    const since = cursorsWithin(everything, BYTES_FOR_CURSORS);
    subscribeOn?.send({ type: 'subscribe', id: 'all', organizations: '*', since });
  };
  const startAgain = (): void => {
    closeSocket?.();
    reconnect();
  };
  const reconnect = (): void => {
    closeSocket = undefined;
    targets.clear();
    report(everything, failures === 0 ? 'connecting' : 'offline');
    if (failures > 0) void explain();
    clearTimeout(retry);
    retry = setTimeout(connect, requested?.inMs ?? backoffMs(failures, RETRY, Math.random()));
    failures += 1;
  };

  const explain = async (): Promise<void> => {
    refusal = await whyRefused(access, { baseUrl, fetch: fetchNow });
    if (!stopped && connection.kind === 'offline') report(everything, 'offline');
  };

  connect();
  return {
    reconnect() {
      if (closeSocket === undefined) connect();
    },
    stop() {
      stopped = true;
      clearTimeout(retry);
      closeSocket?.();
    },
  };
}

/** Removes the targets that were reached. */
function isBehind(everything: EverythingState, targets: Map<number, string>): boolean {
  for (const [id, head] of targets) {
    const state = everything.get(id);
    if (state === undefined || !hasReached(state, head)) return true;
    targets.delete(id);
  }
  return false;
}
