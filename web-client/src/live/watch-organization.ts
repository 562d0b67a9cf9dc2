/**
 * Watches one organization, by the best way that works here and now.
 *
 * The stream comes first. When it is refused, held back or dies, the guide's poll takes over, and every now and then
 * the stream is tried again from the cursor where we stand, so the change in either direction loses nothing. The
 * connection that is told is what really happens: `live` only after a `hello`, `offline` when not even a poll is
 * answered.
 *
 * Not here: the arithmetic of states (organization-state.ts), the two ways (event-stream.ts, poll.ts), and React
 * (dashboard/use-organization.ts). Runs in Node too, given an `openEventSource`.
 */
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { backoffMs, type Connection, type ConnectionKind, connectionChanged } from './connection.ts';
import { type OpenEventSource, openEventStream, type StreamEnd } from './event-stream.ts';
import {
  applyAnswer,
  applyEvent,
  applyStanding,
  forgetCursor,
  type OrganizationState,
  unknownOrganization,
} from './organization-state.ts';
import { type Poll, startPolling } from './poll.ts';

export interface WatchOptions {
  /** Of the server, without a slash at its end; '' is the own origin. */
  baseUrl: string;
  onState(state: OrganizationState, connection: Connection): void;
  openEventSource?: OpenEventSource;
  fetch?: typeof fetch;
  /** How long a stream may take to say `hello`. */
  helloTimeoutMs?: number;
  pollIntervalMs?: number;
}

export interface OrganizationWatch {
  /** The run that an answer of our own request names: shown at once, without waiting for the stream. */
  learn(log: SyncLog): void;
  /** The network or the tab has come back: tries now what would be tried later. */
  wake(): void;
  stop(): void;
}

/** Between two attempts to leave the poll for the stream. */
const CLIMB = { firstMs: 15_000, mostMs: 60_000 };

export function watchOrganization(organizationId: number, options: WatchOptions): OrganizationWatch {
  const { helloTimeoutMs = 4_000, pollIntervalMs = 2_000 } = options;
  const openEventSource = options.openEventSource ?? ((url) => new EventSource(url));
  const fetchNow: typeof fetch = options.fetch ?? ((...request) => fetch(...request));
  const logsUrl = `${options.baseUrl}/api/v1/cliniko/sync-logs/${organizationId}`;

  let state = unknownOrganization(organizationId);
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let closeStream: (() => void) | undefined;
  let poll: Poll | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;

  const tell = (next: OrganizationState, kind: ConnectionKind): void => {
    const now = connectionChanged(connection, kind, Date.now());
    if (next === state && now === connection) return;
    [state, connection] = [next, now];
    options.onState(state, connection);
  };
  const connect = (): void => {
    clearTimeout(retry);
    closeStream?.();
    const since = state.cursor;
    const url = `${logsUrl}/events${since === null ? '' : `?since=${since}`}`;
    closeStream = openEventStream(
      { url, since, openEventSource, helloTimeoutMs },
      {
        onHello({ recovered }) {
          refusals = 0;
          stopPolling();
          tell(recovered ? state : forgetCursor(state), 'live');
        },
        onEvent: (event) => tell(applyEvent(state, event), connection.kind),
        onInterrupted: () => tell(state, 'connecting'),
        onEnd: afterStream,
      },
    );
  };
  const connectIn = (ms: number): void => {
    clearTimeout(retry);
    retry = setTimeout(connect, ms);
  };
  const afterStream = (end: StreamEnd): void => {
    closeStream = undefined;
    if (end.reason === 'bye') {
      tell(state, 'connecting');
      connectIn(end.retryMs);
    } else if (end.reason === 'gap') {
      connectIn(0);
    } else {
      startOrGoOnPolling();
      connectIn(backoffMs(refusals, CLIMB, Math.random()));
      refusals += 1;
    }
  };
  const startOrGoOnPolling = (): void => {
    poll ??= startPolling({
      url: `${logsUrl}?limit=1`,
      fetch: fetchNow,
      intervalMs: pollIntervalMs,
      onStanding: (standing) => answered(applyStanding(state, standing)),
      onUnchanged: () => answered(state),
      onFailure: () => tell(state, 'offline'),
    });
  };
  const answered = (next: OrganizationState): void => {
    const wasOffline = connection.kind === 'offline';
    tell(next, 'polling');
    // The server is back, so its stream may be too.
    if (wasOffline && closeStream === undefined) connect();
  };
  const stopPolling = (): void => {
    poll?.stop();
    poll = undefined;
  };

  connect();
  return {
    learn: (log) => {
      tell(applyAnswer(state, log), connection.kind);
      poll?.now();
    },
    wake() {
      if (connection.kind === 'live') return;
      poll?.now();
      if (closeStream === undefined) connect();
    },
    stop() {
      clearTimeout(retry);
      closeStream?.();
      stopPolling();
    },
  };
}
