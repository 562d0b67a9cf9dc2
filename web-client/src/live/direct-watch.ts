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
import type { Connection, ConnectionDetails, ConnectionKind } from './connection.ts';
import {
  applyAnswer,
  applyEvent,
  applyPolledState,
  forgetCursor,
  hasReached,
  type OrganizationState,
} from './organization-state.ts';
import { type Poll, type PollOptions, startPolling } from './poll.ts';
import { createReporter, type Reporter } from './reporter.ts';
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
}

type OnState = (state: OrganizationState, connection: Connection) => void;

const POLL_INTERVAL_MS = 2_000;

/** Of the first poll after a stream became silent. */
const ANSWERS_WITHIN_MS = 1_000;

/**
 * @param start what is already known, perhaps from another tab
 * @param signAt as in `createReporter`
 */
export function watchDirectly(
  start: OrganizationState,
  options: DirectWatchOptions,
  onState: OnState,
  signAt?: number,
): OrganizationWatch {
  const shown = createReporter(start, onState, signAt);
  let poll: Poll | undefined;
  let late: ReturnType<typeof setTimeout> | undefined;
  /** The head of the organization when the stream began; undefined once the stream has delivered it. */
  let target: string | undefined;

  const report = (next: OrganizationState, kind: ConnectionKind, details: ConnectionDetails = {}): void => {
    if (target !== undefined && hasReached(next, target)) target = undefined;
    shown.report(next, kind, { ...details, isCatchingUp: kind === 'live' && target !== undefined });
  };
  const onAnswer = (next: OrganizationState): void => {
    clearTimeout(late);
    late = undefined;
    const wasOffline = shown.connection.kind === 'offline';
    report(next, 'polling', { transport: 'poll' });
    // The server is back, so its stream may be too.
    if (wasOffline) fallback.upgrade();
  };
  /** A server that is frozen keeps its connections: without an answer the state is no longer live. */
  const isLate = (): void => {
    if (shown.connection.kind === 'live') report(shown.state, 'connecting');
  };
  const stopPolling = (): void => {
    clearTimeout(late);
    late = undefined;
    poll?.stop();
    poll = undefined;
  };
  const fallback = startTransportFallback(
    transportsOf(options, () => shown.state),
    {
      onLive(transport, { head, recovered }) {
        stopPolling();
        target = head;
        report(recovered ? shown.state : forgetCursor(shown.state), 'live', { transport });
      },
      onEvent: (event) => report(applyEvent(shown.state, event), shown.connection.kind, shown.connection),
      onPing: () => report(shown.state, shown.connection.kind, shown.connection),
      onInterrupted: () => report(shown.state, 'connecting'),
      onDowngraded: () => {
        late ??= setTimeout(isLate, ANSWERS_WITHIN_MS);
        poll ??= pollOrganization(options, shown, {
          onAnswer,
          onFailure: (refusedWith) => report(shown.state, 'offline', { refusedWith }),
        });
      },
    },
  );
  return {
    applyLog(log) {
      report(applyAnswer(shown.state, log), shown.connection.kind, shown.connection);
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

/** Polls from the state that is shown when it begins. */
function pollOrganization(
  options: DirectWatchOptions,
  shown: Reporter<OrganizationState>,
  { onAnswer, onFailure }: { onAnswer(state: OrganizationState): void; onFailure: PollOptions['onFailure'] },
): Poll {
  const { state } = shown;
  return startPolling({
    url: `${logsUrl(options, state)}?limit=1`,
    access: options.access,
    since: state.isKnown ? state.cursor : null,
    fetch: options.fetch,
    intervalMs: POLL_INTERVAL_MS,
    onState: (polled) => onAnswer(applyPolledState(shown.state, polled)),
    onUnchanged: () => onAnswer(shown.state),
    onFailure,
  });
}
