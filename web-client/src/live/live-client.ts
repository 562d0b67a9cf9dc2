/**
 * The entry of the client library: live state of organizations, from one server, without a framework.
 *
 * A browser needs no options. In Node (>= 20) it streams with `fetch`, and uses a WebSocket only when one is given:
 *
 *     import { WebSocket } from 'ws';
 *     const client = createLiveClient({
 *       baseUrl: 'https://sync.example.com',
 *       getToken: async () => process.env.PATIENT_SYNC_TOKEN ?? null,
 *       openSocket: (url, subprotocol) => new WebSocket(url, subprotocol),
 *     });
 *     const watch = client.watchOrganization(123, ({ log, percent }, { kind }) => console.log(kind, percent, log?.status));
 *     watch.stop();
 */
import type { SyncLog } from '#contract/sync-log.ts';
import type { Access, OpenReason } from './access.ts';
import type { Connection, ConnectionKind, TransportKind } from './connection.ts';
import type { OrganizationWatch } from './direct-watch.ts';
import type { EverythingState } from './everything-state.ts';
import type { OrganizationState } from './organization-state.ts';
import type { OpenSocket } from './socket.ts';
import { type EverythingWatch, watchEverything } from './watch-everything.ts';
import { watchOrganization } from './watch-organization.ts';

export type {
  Connection,
  ConnectionKind,
  EverythingState,
  EverythingWatch,
  OpenReason,
  OpenSocket,
  OrganizationState,
  OrganizationWatch,
  SyncLog,
  TransportKind,
};

export interface LiveClientOptions extends Access {
  /** Of the server, without a trailing slash; '' is the page's own origin. */
  baseUrl: string;
  fetch?: typeof fetch;
  openSocket?: OpenSocket;
  /**
   * Default true: tabs of one origin with the same API token, or without one, share one connection to an organization.
   */
  share?: boolean;
}

export interface LiveClient {
  /** Calls `onState` with every change of the state or the connection. */
  watchOrganization(
    organizationId: number,
    onState: (state: OrganizationState, connection: Connection) => void,
  ): OrganizationWatch;
  /**
   * All organizations, on one WebSocket.
   *
   * @throws in Node, without `openSocket`
   */
  watchEverything(onState: (everything: EverythingState, connection: Connection) => void): EverythingWatch;
  /** Stops every watch. */
  close(): void;
}

export function createLiveClient(options: LiveClientOptions): LiveClient {
  const watches = new Set<{ stop(): void }>();
  const kept = <Watch extends { stop(): void }>(watch: Watch): Watch => {
    watches.add(watch);
    return watch;
  };
  return {
    watchOrganization: (organizationId, onState) =>
      kept(watchOrganization(organizationId, { ...options, onState })),
    watchEverything: (onState) => kept(watchEverything({ ...options, onState })),
    close() {
      for (const watch of watches) watch.stop();
      watches.clear();
    },
  };
}
