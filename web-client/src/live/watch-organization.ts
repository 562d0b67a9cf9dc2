/**
 * Watches one organization: the latest run, its bar, and how fresh both are.
 *
 * Server-Sent Events, WebSocket and poll are one thing here: the best that works is used, and changing it loses
 * nothing (direct-watch.ts). Tabs of one origin share one connection (tab-sharing.ts).
 *
 * Not here: React (react/use-sync-progress.ts, dashboard/use-organization.ts). Runs in Node too.
 */
import { type Access, completeAccess } from './access.ts';
import type { Connection } from './connection.ts';
import { connectionSlots } from './connection-slots.ts';
import { type DirectWatchOptions, type OrganizationWatch, watchDirectly } from './direct-watch.ts';
import type { OpenEventSource } from './event-stream.ts';
import { openFetchEventSource } from './fetch-event-source.ts';
import { type OrganizationState, unknownOrganization } from './organization-state.ts';
import { type OpenSocket, ownWebSocket } from './socket.ts';
import { canShareBetweenTabs, nameToShare, shareBetweenTabs } from './tab-sharing.ts';

export type { OrganizationWatch };

export interface WatchOptions extends Access {
  /** Of the server, without a slash at its end; '' is the own origin. */
  baseUrl: string;
  onState(state: OrganizationState, connection: Connection): void;
  /** Default: the browser's, or one made of `fetch` where there is none. */
  openEventSource?: OpenEventSource;
  /** Default: the browser's. Null, as where there is none: this way is left out. */
  openSocket?: OpenSocket | null | undefined;
  fetch?: typeof fetch | undefined;
  /**
   * Where the browser can, all tabs of this origin that show no token share one connection to the organization. With `true`
   * those that show the same API token do, too: only for a page that begins a new watch when its token changes, as the name they
   * find each other by is made of the first. Those that only bring stream tokens never do: nobody can tell whose they are.
   */
  share?: boolean | undefined;
  /** How long a stream may take to say `hello`. */
  helloTimeoutMs?: number;
  pollIntervalMs?: number;
}

export function watchOrganization(organizationId: number, options: WatchOptions): OrganizationWatch {
  const settings = settle(organizationId, options);
  const start = unknownOrganization(organizationId);
  const alone = (from: OrganizationState, onState: WatchOptions['onState']) =>
    watchDirectly(from, settings, onState);
  if (!mayShare(options)) return alone(start, options.onState);
  const what = `${options.baseUrl} ${organizationId}`;
  const shared = (name: string) => shareBetweenTabs(name, start, alone, options.onState);
  const { getToken } = options;
  if (getToken === undefined) return shared(what);
  const name = getToken().then((token) => nameToShare(what, token));
  // A hook that failed may not fail again: the streams and the poll ask it anew, each time.
  return begunLater(name.then(shared, () => alone(start, options.onState)));
}

function mayShare({ openEventSource, share, getToken, getStreamToken }: WatchOptions): boolean {
  const isNameless = getToken === undefined && getStreamToken !== undefined;
  const isWanted = share ?? getToken === undefined;
  return openEventSource === undefined && isWanted && !isNameless && canShareBetweenTabs();
}

/** What is asked of it before it has begun is done then, in that order. */
function begunLater(begun: Promise<OrganizationWatch>): OrganizationWatch {
  return {
    learn: (log) => void begun.then((watch) => watch.learn(log)),
    reconnect: () => void begun.then((watch) => watch.reconnect()),
    stop: () => void begun.then((watch) => watch.stop()),
  };
}

function settle(organizationId: number, options: WatchOptions): DirectWatchOptions {
  const { baseUrl, helloTimeoutMs = 4_000, pollIntervalMs = 2_000 } = options;
  const fetchNow: typeof fetch = options.fetch ?? ((...request) => fetch(...request));
  const access = completeAccess(options, [organizationId], { baseUrl, fetch: fetchNow });
  const mustFetch = options.openEventSource === undefined && typeof EventSource === 'undefined';
  const openOwn: OpenEventSource = mustFetch
    ? (url) => openFetchEventSource(url, fetchNow, access)
    : (url) => new EventSource(url);
  return {
    baseUrl,
    access,
    openEventSource: options.openEventSource ?? openOwn,
    sendsHeaders: mustFetch && options.getToken !== undefined,
    openSocket: options.openSocket === undefined ? ownWebSocket() : (options.openSocket ?? undefined),
    fetch: fetchNow,
    takeSlot: connectionSlots(baseUrl),
    helloTimeoutMs,
    pollIntervalMs,
  };
}
