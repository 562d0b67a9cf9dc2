/**
 * One connection for all tabs of one origin that watch the same thing: one of them leads, and tells the others.
 *
 * Who leads is whoever holds a Web Lock, so the browser itself sees to it that there is one leader, and a new one as
 * soon as the old one's tab is closed or crashed. What the leader knows goes to the others on a BroadcastChannel. A
 * leader that has fallen silent (a browser froze its tab) is found out by a question that it does not answer, and its
 * lock is taken from it.
 *
 * Not here: the connection itself (direct-watch.ts).
 */
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from './connection.ts';
import type { OrganizationWatch } from './direct-watch.ts';
import { adoptState, applyAnswer, type OrganizationState } from './organization-state.ts';

type OnState = (state: OrganizationState, connection: Connection) => void;

/** Only scripts of the own origin speak here, and its name holds the version: what arrives is what we sent. */
type Message =
  | { kind: 'told'; state: OrganizationState; connection: Connection }
  | { kind: 'question' }
  | { kind: 'learned'; log: SyncLog }
  | { kind: 'wake' };

const VERSION = 1;
/** After so long without a word a follower asks; the leader answers at once, also in a hidden tab. */
const QUIET_MS = 10_000;
const ANSWER_WITHIN_MS = 3_000;

/** Needs Web Locks, which browsers give to pages on TLS and on localhost. */
export function canShareBetweenTabs(): boolean {
  return typeof document !== 'undefined' && 'locks' in navigator && typeof BroadcastChannel !== 'undefined';
}

/**
 * Tabs share only what the same token shows: one that signed in as somebody else would see through the leader what its own
 * token does not hold. Any script of the origin can list names, so the token itself is not in one.
 *
 * @param token null: no accounts
 */
export async function nameToShare(what: string, token: string | null): Promise<string> {
  if (token === null) return what;
  // Where there are Web Locks there is this too.
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return `${what} ${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * @param name of what is watched: tabs with the same name share
 * @param watchDirectly opens the connection of a leader, from what this tab knows already
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
      post({ kind: 'told', state, connection });
    });
  };
  const stepDown = (): void => {
    leading?.stop();
    leading = undefined;
    ask();
  };
  const ask = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(office.steal, ANSWER_WITHIN_MS);
    post({ kind: 'question' });
    // Browsers slow the timers of hidden tabs down, the leader's perhaps; the tab that is looked at has its own.
    if (isAway(connection) && document.visibilityState === 'visible') post({ kind: 'wake' });
  };
  const follow = (told: { state: OrganizationState; connection: Connection }): void => {
    clearTimeout(quiet);
    const patienceMs = isAway(told.connection) ? ANSWER_WITHIN_MS : QUIET_MS;
    quiet = setTimeout(ask, patienceMs * (1 + Math.random()));
    show(adoptState(state, told.state), told.connection);
  };
  const hear = (message: Message): void => {
    if (leading === undefined) {
      if (message.kind === 'told') follow(message);
    } else if (message.kind === 'question') {
      post({ kind: 'told', state, connection });
    } else if (message.kind === 'learned') {
      leading.learn(message.log);
    } else if (message.kind === 'wake') {
      leading.reconnect();
    }
  };
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => hear(data));
  const office = requestLeaderLock(channel.name, { onGained: lead, onLost: stepDown });
  ask();

  return {
    learn(log) {
      if (leading !== undefined) return leading.learn(log);
      show(applyAnswer(state, log), connection);
      post({ kind: 'learned', log });
    },
    reconnect() {
      if (leading !== undefined) leading.reconnect();
      else post({ kind: 'wake' });
    },
    stop() {
      clearTimeout(quiet);
      leading?.stop();
      office.release();
      channel.close();
    },
  };
}

/** The leader is trying, or has nobody to ask. */
function isAway({ kind }: Connection): boolean {
  return kind === 'connecting' || kind === 'offline';
}

interface LeaderLock {
  /** Takes it from whoever holds it. */
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
  /** Taken by another tab; or only withdrawn by ourselves, before it was ours. */
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
