/**
 * The stream of one organization over a WebSocket: the same events and promises as event-stream.ts, for networks that
 * block Server-Sent Events.
 */
import type { ServerFrame } from '#contract/socket-frame.ts';
import { openReason } from './access.ts';
import { isAhead } from './organization-state.ts';
import { type OpenSocket, openOpsSocket } from './socket.ts';
import type { StreamBeginning, StreamEnd, StreamHandlers } from './stream.ts';

export interface OrganizationSocketOptions {
  url: string;
  organizationId: number;
  /** The cursor to resume from, read when the socket subscribes. */
  cursor(): string | null;
  openSocket: OpenSocket;
  helloTimeoutMs: number;
}

/** @returns closes it, without a call of `onEnd` */
export function openOrganizationSocket(
  { organizationId, cursor, ...options }: OrganizationSocketOptions,
  handlers: StreamHandlers,
): () => void {
  const socket = openOpsSocket(options, { onFrame: obey, onEnd: (reason) => handlers.onEnd({ reason }) });
  let last: string | null = null;

  function end(how: StreamEnd): void {
    socket.close();
    handlers.onEnd(how);
  }
  function obey(frame: ServerFrame): void {
    switch (frame.type) {
      case 'hello':
        subscribe();
        break;
      case 'subscribed':
        begin(frame.streams.find((one) => one.organization_id === organizationId));
        break;
      case 'ping':
        if (isAhead(frame.heads[organizationId] ?? null, last)) end({ reason: 'gap' });
        else handlers.onPing();
        break;
      case 'bye':
        end({ reason: 'bye', retryMs: frame.retry_ms, why: openReason(frame) });
        break;
      case 'error':
        end({ reason: 'refused' });
        break;
      case 'pong':
      case 'unsubscribed':
        break;
      default:
        last = frame.cursor;
        handlers.onEvent(frame);
    }
  }
  function subscribe(): void {
    last = cursor();
    socket.send({
      type: 'subscribe',
      id: 'organization',
      organizations: [organizationId],
      // Every event, as on the event stream.
      conflate_ms: 0,
      ...(last === null ? {} : { since: { [organizationId]: last } }),
    });
  }
  /** A server that does not know this stream sends nothing, so this counts as a refusal. */
  function begin(stream: StreamBeginning | undefined): void {
    if (stream === undefined) {
      end({ reason: 'refused' });
      return;
    }
    if (!stream.recovered) last = null;
    handlers.onHello(stream);
  }
  return socket.close;
}
