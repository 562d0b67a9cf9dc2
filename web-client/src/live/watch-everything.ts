/**
 * Watches all organizations on one WebSocket, which is opened again until the watch is stopped (reconnecting-socket.ts).
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
import type { Connection, ConnectionKind } from './connection.ts';
import { applyFrame, cursorsWithin, type EverythingState, hasMissed } from './everything-state.ts';
import { OrganizationMap } from './organization-map.ts';
import { hasReached } from './organization-state.ts';
import { keepSocketOpen } from './reconnecting-socket.ts';
import { createReporter } from './reporter.ts';
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
}

export interface EverythingWatch {
  /** The network or the tab is back: retries now instead of after the current delay. */
  reconnect(): void;
  stop(): void;
}

/**
 * The server reads frames of up to 16 KiB (`MAX_SOCKET_FRAME_BYTES`); this leaves space for the rest of the frame.
 */
export const BYTES_FOR_CURSORS = 15 * 1024;

/** How long the socket may take to send `hello`. */
const HELLO_TIMEOUT_MS = 5_000;

/** @throws when there is no WebSocket and `openSocket` is absent */
export function watchEverything(options: WatchEverythingOptions): EverythingWatch {
  const { baseUrl, openSocket = ownWebSocket() } = options;
  if (openSocket === undefined)
    throw new Error('This environment has no WebSocket: pass one as `openSocket`.');
  const server = { baseUrl, fetch: options.fetch ?? ((...request) => fetch(...request)) };
  const access = completeAccess(options, '*', server);
  const target = { address: socketAddress(baseUrl), access, openSocket };

  const shown = createReporter(OrganizationMap.empty, options.onState);
  let refusal: string | undefined;
  let stopped = false;
  /** Heads of the organizations when the socket began, until the socket has delivered them. */
  const targets = new Map<number, string>();
  /** Some organizations have not been named yet. */
  let isIncomplete = false;

  const report = (next: OrganizationMap, kind: ConnectionKind): void => {
    // `onEvent` may have stopped the watch.
    if (stopped) return;
    shown.report(next, kind, {
      transport: kind === 'live' ? 'websocket' : undefined,
      isCatchingUp: kind === 'live' && (isIncomplete || isBehind(next, targets)),
      refusal: kind === 'offline' ? refusal : undefined,
    });
  };
  const handleFrame = (frame: ServerFrame, subscribeOn: Socket | undefined): void => {
    if (frame.type === 'hello') {
      const since = cursorsWithin(shown.state, BYTES_FOR_CURSORS);
      subscribeOn?.send({ type: 'subscribe', id: 'all', organizations: '*', since });
    } else if (frame.type === 'bye') {
      socket.expectEnd(frame.retry_ms, openReason(frame));
    } else if (frame.type === 'error' || (frame.type === 'ping' && hasMissed(shown.state, frame.heads))) {
      // An event was missed, or the subscription was not served: the next socket resumes.
      socket.restart();
    } else if (frame.type === 'subscribed') {
      socket.confirm();
      isIncomplete = frame.more === true;
      addTargets(targets, frame.streams);
      report(applyFrame(shown.state, frame), 'live');
    } else {
      if ('log' in frame) options.onEvent?.(frame);
      report(applyFrame(shown.state, frame), shown.connection.kind);
    }
  };
  const onLost = (failures: number): void => {
    targets.clear();
    report(shown.state, failures === 0 ? 'connecting' : 'offline');
    if (failures > 0) void explain();
  };
  const explain = async (): Promise<void> => {
    refusal = await whyRefused(access, server);
    if (shown.connection.kind === 'offline') report(shown.state, 'offline');
  };
  const socket = keepSocketOpen({
    open: (why, onEnd) =>
      openSubscribed(target, why, shown.state.size === 0, { onFrame: handleFrame, onEnd }),
    onLost,
  });
  return {
    reconnect: socket.openNow,
    stop() {
      stopped = true;
      socket.stop();
    },
  };
}

interface SocketTarget {
  address: string;
  access: Access;
  openSocket: OpenSocket;
}

interface FrameHandlers {
  /** @param subscribeOn the socket, unless its address has subscribed it already */
  onFrame(frame: ServerFrame, subscribeOn: Socket | undefined): void;
  onEnd(): void;
}

function openSubscribed(
  { address, access, openSocket }: SocketTarget,
  why: OpenReason,
  isFirst: boolean,
  { onFrame, onEnd }: FrameHandlers,
): () => void {
  return openAfter(
    () => withStreamToken(isFirst ? `${address}?organizations=*` : address, access, why),
    (url) => {
      const opened = openOpsSocket(
        { url, openSocket, helloTimeoutMs: HELLO_TIMEOUT_MS },
        { onFrame: (frame) => onFrame(frame, isFirst ? undefined : opened), onEnd },
      );
      return opened.close;
    },
    onEnd,
  );
}

function addTargets(
  targets: Map<number, string>,
  streams: (ServerFrame & { type: 'subscribed' })['streams'],
): void {
  for (const { organization_id: id, head } of streams) targets.set(id, head);
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
