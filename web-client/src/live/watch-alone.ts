/**
 * Watches one organization on connections of its own, by the best way that works here and now.
 *
 * The streams come first (ladder.ts). While none is open the guide's poll takes over; both carry the same cursor, so a
 * change in either direction loses nothing. The connection that is told is what really happens: `live` only after a
 * `hello`, `offline` when not even a poll is answered.
 *
 * Not here: sharing it with other tabs (tabs.ts), the arithmetic of states (organization-state.ts).
 */
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import {
  type Connection,
  type ConnectionDetails,
  type ConnectionKind,
  connectionChanged,
} from './connection.ts';
import { climbLadder } from './ladder.ts';
import {
  applyAnswer,
  applyEvent,
  applyStanding,
  forgetCursor,
  hasReached,
  type OrganizationState,
} from './organization-state.ts';
import { type Poll, startPolling } from './poll.ts';
import { logsUrl, type RungOptions, rungsOf } from './rungs.ts';

export interface OrganizationWatch {
  /** The run that an answer of our own request names: shown at once, without waiting for the stream. */
  learn(log: SyncLog): void;
  /** The network or the tab has come back: tries now what would be tried later. */
  wake(): void;
  stop(): void;
}

export interface AloneOptions extends RungOptions {
  fetch: typeof fetch;
  pollIntervalMs: number;
}

type OnState = (state: OrganizationState, connection: Connection) => void;

/** @param start what is known already, perhaps from another tab */
export function watchAlone(
  start: OrganizationState,
  options: AloneOptions,
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
  const ladder = climbLadder(
    rungsOf(options, () => state),
    {
      onLive(way, { head, recovered }) {
        stopPolling();
        target = head;
        tell(recovered ? state : forgetCursor(state), 'live', { way });
      },
      onEvent: (event) => tell(applyEvent(state, event), connection.kind, connection),
      onInterrupted: () => tell(state, 'connecting'),
      onFallen: () => {
        poll ??= startPolling({
          url: `${logsUrl(options, state)}?limit=1`,
          access: options.access,
          since: state.isKnown ? state.cursor : null,
          fetch: options.fetch,
          intervalMs: options.pollIntervalMs,
          onStanding: (standing) => answered(applyStanding(state, standing)),
          onUnchanged: () => answered(state),
          onFailure: (refusedWith) => tell(state, 'offline', { refusedWith }),
        });
      },
    },
  );
  const answered = (next: OrganizationState): void => {
    const wasOffline = connection.kind === 'offline';
    tell(next, 'polling', { way: 'poll' });
    // The server is back, so its stream may be too.
    if (wasOffline) ladder.climb();
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
    wake() {
      poll?.now();
      ladder.climb();
    },
    stop() {
      ladder.stop();
      stopPolling();
    },
  };
}
