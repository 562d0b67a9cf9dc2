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
import type { Connection } from './connection.ts';
import type { OrganizationWatch } from './direct-watch.ts';
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
 * @param watchDirectly opens the leader's connection, from what this tab already knows
 */
export function shareBetweenTabs(
  name: string,
  start: OrganizationState,
  watchDirectly: (start: OrganizationState, onState: OnState) => OrganizationWatch,
  onState: OnState,
): OrganizationWatch {
  const channel = new BroadcastChannel(`patient-sync.${VERSION} ${name}`);
  const post = (message: Message): void => channel.postMessage(message);
  let state = start;
  let connection: Connection = { kind: 'connecting', since: Date.now() };
  let leading: OrganizationWatch | undefined;
  let quiet: ReturnType<typeof setTimeout> | undefined;

  const show = (next: OrganizationState, now: Connection): void => {
    [state, connection] = [next, now];
    onState(state, connection);
  };
  const lead = (): void => {
    clearTimeout(quiet);
    leading = watchDirectly(state, (next, now) => {
      show(next, now);
      post({ kind: 'state', state, connection });
    });
  };
  const stepDown = (): void => {
    leading?.stop();
    leading = undefined;
    ask();
  };
  const ask = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(leaderLock.steal, ANSWER_WITHIN_MS);
    post({ kind: 'question' });
    // Browsers slow the timers of hidden tabs down, perhaps the leader's; the visible tab has normal timers.
    if (isAway(connection) && document.visibilityState === 'visible') post({ kind: 'wake' });
  };
  const follow = (leader: { state: OrganizationState; connection: Connection }): void => {
    clearTimeout(quiet);
    const patienceMs = isAway(leader.connection) ? ANSWER_WITHIN_MS : QUIET_MS;
    quiet = setTimeout(ask, patienceMs * (1 + Math.random()));
    show(adoptState(state, leader.state), leader.connection);
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
  ask();

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
      clearTimeout(quiet);
      leading?.stop();
      leaderLock.release();
      channel.close();
    },
  };
}

/** The leader is connecting, or cannot reach the server. */
function isAway({ kind }: Connection): boolean {
  return kind === 'connecting' || kind === 'offline';
}

interface LeaderLock {
  /** Takes the lock from its holder. */
  steal(): void;
  release(): void;
}

/** Waits for a lock, and holds it from then on. */
function requestLeaderLock(name: string, handlers: { onGained(): void; onLost(): void }): LeaderLock {
  let resign: (() => void) | undefined;
  let waiting = new AbortController();
  let hasLeft = false;

  const hold = (): Promise<void> =>
    new Promise((resolve) => {
      if (hasLeft) return resolve();
      resign = resolve;
      handlers.onGained();
    });
  /** Another tab stole the lock, or this tab withdrew its request before it held the lock. */
  const lose = (): void => {
    if (resign === undefined || hasLeft) return;
    resign = undefined;
    handlers.onLost();
    queue();
  };
  const queue = (): void => {
    waiting = new AbortController();
    navigator.locks.request(name, { signal: waiting.signal }, hold).catch(lose);
  };
  queue();
  return {
    steal() {
      if (resign !== undefined || hasLeft) return;
      waiting.abort();
      navigator.locks.request(name, { steal: true }, hold).catch(lose);
    },
    release() {
      hasLeft = true;
      waiting.abort();
      resign?.();
    },
  };
}
