/**
 * Watches one organization: the latest run, its bar, and the state of the connection.
 *
 * The best working transport of Server-Sent Events, WebSocket and poll is used, and a change of transport loses
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
  /** Of the server, without a trailing slash; '' is the page's own origin. */
  baseUrl: string;
  onState(state: OrganizationState, connection: Connection): void;
  /** Default: the browser's, or one made of `fetch` where there is none. */
  openEventSource?: OpenEventSource;
  /** Default: the browser's. Null, or absent where there is none: WebSocket is not used. */
  openSocket?: OpenSocket | null | undefined;
  fetch?: typeof fetch | undefined;
  /**
   * Where the browser can, all tabs of this origin without a token share one connection to the organization. With
   * `true`, tabs with the same API token share one too. Use it only for a page that begins a new watch when its token
   * changes, because the shared name is a hash of the first token. Tabs with only stream tokens never share: the owner
   * of such a token is not known.
   */
  share?: boolean | undefined;
}

export function watchOrganization(organizationId: number, options: WatchOptions): OrganizationWatch {
  return untilStopped(beginWatch(organizationId, options));
}

/** The answer to a start may arrive when its page has gone on. */
function untilStopped(watch: OrganizationWatch): OrganizationWatch {
  let current: OrganizationWatch | undefined = watch;
  return {
    applyLog: (log) => current?.applyLog(log),
    reconnect: () => current?.reconnect(),
    stop() {
      current?.stop();
      current = undefined;
    },
  };
}

function beginWatch(organizationId: number, options: WatchOptions): OrganizationWatch {
  const settings = settle(organizationId, options);
  const start = unknownOrganization(organizationId);
  const alone = (from: OrganizationState, onState: WatchOptions['onState'], signAt?: number) =>
    watchDirectly(from, settings, onState, signAt);
  if (!mayShare(options)) return alone(start, options.onState);
  const what = `${options.baseUrl} ${organizationId}`;
  const shared = (name: string) => shareBetweenTabs(name, start, alone, options.onState);
  const { getToken } = options;
  if (getToken === undefined) return shared(what);
  const name = getToken().then((token) => nameToShare(what, token));
  // A hook that fails here may work later: each stream and poll calls it again.
  return begunLater(name.then(shared, () => alone(start, options.onState)));
}

function mayShare({ openEventSource, share, getToken, getStreamToken }: WatchOptions): boolean {
  const isNameless = getToken === undefined && getStreamToken !== undefined;
  const isWanted = share ?? getToken === undefined;
  return openEventSource === undefined && isWanted && !isNameless && canShareBetweenTabs();
}

/** Calls that arrive before the watch has begun are made then, in order. */
function begunLater(begun: Promise<OrganizationWatch>): OrganizationWatch {
  return {
    applyLog: (log) => void begun.then((watch) => watch.applyLog(log)),
    reconnect: () => void begun.then((watch) => watch.reconnect()),
    stop: () => void begun.then((watch) => watch.stop()),
  };
}

function settle(organizationId: number, options: WatchOptions): DirectWatchOptions {
  const { baseUrl } = options;
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
  };
}
