/**
 * One connection for all tabs of one origin that watch the same thing: one tab leads, and sends its state to the
 * others.
 *
 * The leader holds a Web Lock. So the browser guarantees a single leader, and a new one as soon as the leader's tab is
 * closed or crashed. The leader sends its state to the followers on a BroadcastChannel. When a leader is silent (a
 * browser froze its tab) and does not answer a question, a follower steals the lock.
 *
 * Not here: the connection itself (direct-watch.ts).
 */
import type { SyncLog } from '#contract/sync-log.ts';
import { type Connection, isConnected } from './connection.ts';
import type { OrganizationWatch } from './direct-watch.ts';
import { requestLeaderLock } from './leader-lock.ts';
import { adoptState, applyAnswer, type OrganizationState } from './organization-state.ts';

type OnState = (state: OrganizationState, connection: Connection) => void;

/**
 * Only scripts of the own origin can post here, and the channel's name holds the version, so messages need no
 * validation.
 */
type Message =
  | { kind: 'state'; state: OrganizationState; connection: Connection }
  | { kind: 'question' }
  | { kind: 'log'; log: SyncLog }
  | { kind: 'wake' };

const VERSION = 2;
/** After this long without a message a follower asks; the leader answers at once, also in a hidden tab. */
const QUIET_MS = 10_000;
const ANSWER_WITHIN_MS = 3_000;

/** Needs Web Locks, which browsers offer to pages on TLS and on localhost. */
export function canShareBetweenTabs(): boolean {
  return typeof document !== 'undefined' && 'locks' in navigator && typeof BroadcastChannel !== 'undefined';
}

/**
 * Only tabs with the same token share: a tab with another token would see through the leader what its own token cannot
 * access. Every script of the origin can list lock names, so the name holds a hash of the token.
 *
 * @param token null: no accounts
 */
export async function nameToShare(what: string, token: string | null): Promise<string> {
  if (token === null) return what;
  // A page that has Web Locks has this too.
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return `${what} ${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * @param name of what is watched: tabs with the same name share
 * @param watchDirectly opens the leader's connection, from what this tab already knows, and when the server last gave a sign
 */
export function shareBetweenTabs(
  name: string,
  start: OrganizationState,
  watchDirectly: (start: OrganizationState, onState: OnState, signAt: number) => OrganizationWatch,
  onState: OnState,
): OrganizationWatch {
  const { channel, post, close } = openChannel(`patient-sync.${VERSION} ${name}`);
  let state = start;
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let lastSignAt = connection.since;
  let leading: OrganizationWatch | undefined;

  const show = (next: OrganizationState, now: Connection): void => {
    [state, connection] = [next, now];
    lastSignAt = isConnected(now) ? Date.now() : now.since;
    onState(state, connection);
  };
  const lead = (): void => {
    leader.stop();
    const onChange: OnState = (next, now) => {
      show(next, now);
      post({ kind: 'state', state, connection });
    };
    leading = watchDirectly(state, onChange, lastSignAt);
  };
  const stepDown = (): void => {
    leading?.stop();
    leading = undefined;
    leader.ask();
  };
  const follow = (its: { state: OrganizationState; connection: Connection }): void => {
    leader.answered(its.connection);
    show(adoptState(state, its.state), its.connection);
  };
  const onMessage = (message: Message): void => {
    if (leading === undefined) {
      if (message.kind === 'state') follow(message);
    } else if (message.kind === 'question') {
      post({ kind: 'state', state, connection });
    } else if (message.kind === 'log') {
      leading.applyLog(message.log);
    } else if (message.kind === 'wake') {
      leading.reconnect();
    }
  };
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => onMessage(data));
  const leaderLock = requestLeaderLock(channel.name, { onGained: lead, onLost: stepDown });
  const leader = superviseLeader({
    steal: leaderLock.steal,
    ask() {
      post({ kind: 'question' });
      // Browsers slow the timers of hidden tabs down, perhaps the leader's; the visible tab has normal timers.
      if (isAway(connection) && document.visibilityState === 'visible') post({ kind: 'wake' });
    },
  });
  leader.ask();

  return {
    applyLog(log) {
      if (leading !== undefined) return leading.applyLog(log);
      show(applyAnswer(state, log), connection);
      post({ kind: 'log', log });
    },
    reconnect() {
      if (leading !== undefined) leading.reconnect();
      else post({ kind: 'wake' });
    },
    stop() {
      leader.stop();
      leading?.stop();
      leaderLock.release();
      close();
    },
  };
}

function openChannel(name: string) {
  const channel = new BroadcastChannel(name);
  let isClosed = false;
  return {
    channel,
    /** Does nothing on a closed channel: `onState` may have stopped the watch that reports to it. */
    post(message: Message): void {
      if (!isClosed) channel.postMessage(message);
    },
    close(): void {
      isClosed = true;
      channel.close();
    },
  };
}

/** Asks a leader that has been silent for too long, and takes its lock when it does not answer. */
function superviseLeader({ ask, steal }: { ask(): void; steal(): void }) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const question = (): void => {
    clearTimeout(timer);
    timer = setTimeout(steal, ANSWER_WITHIN_MS);
    ask();
  };
  return {
    ask: question,
    answered(connection: Connection): void {
      clearTimeout(timer);
      const patienceMs = isAway(connection) ? ANSWER_WITHIN_MS : QUIET_MS;
      timer = setTimeout(question, patienceMs * (1 + Math.random()));
    },
    stop: (): void => clearTimeout(timer),
  };
}

/** The leader is connecting, or cannot reach the server. */
function isAway({ kind }: Connection): boolean {
  return kind === 'connecting' || kind === 'offline';
}
