/**
 * Watches one organization on its own connections, with the best transport that works.
 *
 * Streams come first (transport-fallback.ts). While none is open, the guide's poll takes over. Both carry the same
 * cursor, so a change in either direction loses nothing. The reported connection is the real one: `live` only after a
 * `hello`, `offline` only when a poll fails too.
 *
 * Not here: sharing the watch with other tabs (tab-sharing.ts), how answers change the state (organization-state.ts).
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
  /** Takes the run from the answer to a request of this page: it is shown at once, before the stream reports it. */
  applyLog(log: SyncLog): void;
  /** The network or the tab is back: retries now instead of after the current delay. */
  reconnect(): void;
  stop(): void;
}

export interface DirectWatchOptions extends TransportOptions {
  fetch: typeof fetch;
  pollIntervalMs: number;
}

type OnState = (state: OrganizationState, connection: Connection) => void;

/** @param start what is already known, perhaps from another tab */
export function watchDirectly(
  start: OrganizationState,
  options: DirectWatchOptions,
  onState: OnState,
): OrganizationWatch {
  let state = start;
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let poll: Poll | undefined;
  /** The head of the organization when the stream began; undefined once the stream has delivered it. */
  let target: string | undefined;

  const report = (next: OrganizationState, kind: ConnectionKind, details: ConnectionDetails = {}): void => {
    if (target !== undefined && hasReached(next, target)) target = undefined;
    const isCatchingUp = kind === 'live' && target !== undefined;
    const now = connectionChanged(connection, kind, Date.now(), { ...details, isCatchingUp });
    if (next === state && now === connection) return;
    [state, connection] = [next, now];
    onState(state, connection);
  };
  const fallback = startTransportFallback(
    transportsOf(options, () => state),
    {
      onLive(transport, { head, recovered }) {
        stopPolling();
        target = head;
        report(recovered ? state : forgetCursor(state), 'live', { transport });
      },
      onEvent: (event) => report(applyEvent(state, event), connection.kind, connection),
      onInterrupted: () => report(state, 'connecting'),
      onDowngraded: () => {
        poll ??= startPolling({
          url: `${logsUrl(options, state)}?limit=1`,
          access: options.access,
          since: state.isKnown ? state.cursor : null,
          fetch: options.fetch,
          intervalMs: options.pollIntervalMs,
          onState: (polled) => answered(applyPolledState(state, polled)),
          onUnchanged: () => answered(state),
          onFailure: (refusedWith) => report(state, 'offline', { refusedWith }),
        });
      },
    },
  );
  const answered = (next: OrganizationState): void => {
    const wasOffline = connection.kind === 'offline';
    report(next, 'polling', { transport: 'poll' });
    // The server is back, so its stream may be too.
    if (wasOffline) fallback.upgrade();
  };
  const stopPolling = (): void => {
    poll?.stop();
    poll = undefined;
  };
  return {
    applyLog(log) {
      report(applyAnswer(state, log), connection.kind, connection);
      poll?.now();
    },
    reconnect() {
      poll?.now();
      fallback.upgrade();
    },
    stop() {
      fallback.stop();
      stopPolling();
    },
  };
}
