/**
 * Watches one organization on connections of its own, by the best way that works here and now.
 *
 * The streams come first (transport-fallback.ts). While none is open the guide's poll takes over; both carry the same cursor, so a
 * change in either direction loses nothing. The connection that is told is what really happens: `live` only after a
 * `hello`, `offline` when not even a poll is answered.
 *
 * Not here: sharing it with other tabs (tab-sharing.ts), the arithmetic of states (organization-state.ts).
 */
import type { SyncLog } from '#contract/sync-log.ts';
import {
  type Connection,
  type ConnectionDetails,
  type ConnectionKind,
  connectionChanged,
} from './connection.ts';
import {
  applyAnswer,
  applyEvent,
  applyPolledState,
  forgetCursor,
  hasReached,
  type OrganizationState,
} from './organization-state.ts';
import { type Poll, startPolling } from './poll.ts';
import { startTransportFallback } from './transport-fallback.ts';
import { logsUrl, type TransportOptions, transportsOf } from './transports.ts';

export interface OrganizationWatch {
  /** The run that an answer of our own request names: shown at once, without waiting for the stream. */
  learn(log: SyncLog): void;
  /** The network or the tab has come back: tries now what would be tried later. */
  reconnect(): void;
  stop(): void;
}

export interface DirectWatchOptions extends TransportOptions {
  fetch: typeof fetch;
  pollIntervalMs: number;
}

type OnState = (state: OrganizationState, connection: Connection) => void;

/** @param start what is known already, perhaps from another tab */
export function watchDirectly(
  start: OrganizationState,
  options: DirectWatchOptions,
  onState: OnState,
): OrganizationWatch {
  let state = start;
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let poll: Poll | undefined;
  /** Where the organization stood when the stream began; undefined once that has arrived. */
  let target: string | undefined;

  const tell = (next: OrganizationState, kind: ConnectionKind, details: ConnectionDetails = {}): void => {
    if (target !== undefined && hasReached(next, target)) target = undefined;
    const isCatchingUp = kind === 'live' && target !== undefined;
    const now = connectionChanged(connection, kind, Date.now(), { ...details, isCatchingUp });
    if (next === state && now === connection) return;
    [state, connection] = [next, now];
    onState(state, connection);
  };
  const ladder = startTransportFallback(
    transportsOf(options, () => state),
    {
      onLive(transport, { head, recovered }) {
        stopPolling();
        target = head;
        tell(recovered ? state : forgetCursor(state), 'live', { transport });
      },
      onEvent: (event) => tell(applyEvent(state, event), connection.kind, connection),
      onInterrupted: () => tell(state, 'connecting'),
      onDowngraded: () => {
        poll ??= startPolling({
          url: `${logsUrl(options, state)}?limit=1`,
          access: options.access,
          since: state.isKnown ? state.cursor : null,
          fetch: options.fetch,
          intervalMs: options.pollIntervalMs,
          onState: (standing) => answered(applyPolledState(state, standing)),
          onUnchanged: () => answered(state),
          onFailure: (refusedWith) => tell(state, 'offline', { refusedWith }),
        });
      },
    },
  );
  const answered = (next: OrganizationState): void => {
    const wasOffline = connection.kind === 'offline';
    tell(next, 'polling', { transport: 'poll' });
    // The server is back, so its stream may be too.
    if (wasOffline) ladder.upgrade();
  };
  const stopPolling = (): void => {
    poll?.stop();
    poll = undefined;
  };
  return {
    learn(log) {
      tell(applyAnswer(state, log), connection.kind, connection);
      poll?.now();
    },
    reconnect() {
      poll?.now();
      ladder.upgrade();
    },
    stop() {
      ladder.stop();
      stopPolling();
    },
  };
}
