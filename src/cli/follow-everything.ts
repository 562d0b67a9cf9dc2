/**
 * Follows all organizations over HTTP, on one WebSocket. A broken one is resumed after the last event of each
 * organization, until the monitor's limit is reached.
 *
 * The client library (web-client/src/live) could do the same; but nothing under src/ depends on what browsers load.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { ClientFrame } from '#contract/client-frame.ts';
import { parseJson } from '#contract/parse-json.ts';
import { MAX_SOCKET_FRAME_BYTES, ServerFrame, SUBPROTOCOL } from '#contract/socket-frame.ts';
import { HEARTBEAT_MS, type StreamEvent } from '#contract/stream-event.ts';
import { CommandError } from './arguments.ts';
import type { ConnectionMonitor } from './connection-monitor.ts';
import {
  authorization,
  explainFirstFailure,
  notAuthenticated,
  RefusedError,
  type Server,
} from './request.ts';

/** With a random half taken off, so that many terminals do not come back in one moment. */
const AGAIN_AFTER_MS = 2_000;
/** After this time without a ping the socket counts as dead. */
const SILENCE_MS = HEARTBEAT_MS * 2.5;
/** Room for the rest of the subscribe frame. */
const BYTES_FOR_CURSORS = MAX_SOCKET_FRAME_BYTES - 1024;
const NOT_AUTHENTICATED = 4401;
const NOT_ALLOWED = 4403;

export interface EverythingHandlers {
  onEvent(event: StreamEvent): void;
  /** Subscribed: from here on every change comes. */
  onConnected(): void;
}

/**
 * Never resolves.
 *
 * @throws CommandError: refused, lost for too long, or no server at first
 */
export async function followEverything(
  server: Server,
  handlers: EverythingHandlers,
  monitor: ConnectionMonitor,
): Promise<never> {
  const cursors = new Map<number, string>();
  for (let isFirst = true; ; isFirst = false) {
    const { hasSpoken, retryMs, error } = await followOnce(server, cursors, handlers, monitor);
    if (error instanceof CommandError) throw error;
    if (isFirst && !hasSpoken) throw explainFirstFailure(server, error);
    monitor.failed();
    await delay(monitor.waitMs(retryMs ?? AGAIN_AFTER_MS * (0.5 + Math.random() / 2)));
  }
}

interface SocketEnd {
  hasSpoken: boolean;
  retryMs: number | undefined;
  error: Error | undefined;
}

/** One socket, to its end. */
async function followOnce(
  server: Server,
  cursors: Map<number, string>,
  handlers: EverythingHandlers,
  monitor: ConnectionMonitor,
): Promise<SocketEnd> {
  const url = `${server.url.replace(/^http/, 'ws')}/api/v1/cliniko/ws`;
  const socket = new WebSocket(url, SUBPROTOCOL, { headers: authorization(server) });
  const end: SocketEnd = { hasSpoken: false, retryMs: undefined, error: undefined };
  const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
  socket.on('error', (error) => {
    end.error ??= error;
  });
  socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
    if (statusCode === 401) end.error = notAuthenticated(server);
    else if (statusCode >= 400 && statusCode < 500) end.error = refusal(`The server answered ${statusCode}.`);
    socket.terminate();
  });
  socket.on('message', (data) => {
    silence.refresh();
    const frame = ServerFrame.safeParse(parseJson(String(data))).data;
    // An unreadable frame may have been a change, so the connection starts again instead of leaving a gap.
    if (frame === undefined) socket.terminate();
    else act(frame);
  });
  const act = (frame: ServerFrame): void => {
    switch (frame.type) {
      case 'hello':
        end.hasSpoken = true;
        socket.send(JSON.stringify(subscription(cursors)));
        break;
      case 'subscribed':
        monitor.answered();
        handlers.onConnected();
        break;
      case 'bye':
        end.retryMs = frame.retry_ms;
        break;
      case 'error':
        socket.terminate();
        break;
      case 'ping':
      case 'pong':
      case 'unsubscribed':
        break;
      default:
        cursors.set(frame.organization_id, frame.cursor);
        handlers.onEvent(frame);
    }
  };
  // Not `once()`: that one rejects at an `error`, which is only the reason of the `close` that follows.
  const code = await new Promise<number>((resolve) => socket.on('close', resolve));
  clearTimeout(silence);
  if (code === NOT_AUTHENTICATED) end.error = notAuthenticated(server);
  if (code === NOT_ALLOWED) end.error = refusal('The token was not accepted.');
  return end;
}

function refusal(what: string): RefusedError {
  return new RefusedError(`${what} Set PATIENT_SYNC_TOKEN to a token that may read all organizations.`);
}

/** What does not fit into a frame begins with a snapshot. */
function subscription(cursors: ReadonlyMap<number, string>): ClientFrame {
  const since: Record<string, string> = {};
  let used = 0;
  for (const [id, cursor] of cursors) {
    used += `"${id}":"${cursor}",`.length;
    if (used > BYTES_FOR_CURSORS) break;
    since[id] = cursor;
  }
  return { type: 'subscribe', id: 'all', organizations: '*', since };
}
