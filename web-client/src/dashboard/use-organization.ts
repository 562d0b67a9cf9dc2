/** Watches one organization while a component is mounted (live/). */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { watchAccess } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';
import { byServer } from '../server-time.ts';

export interface WatchedOrganization {
  state: OrganizationState;
  connection: Connection;
  /** While the connection is lost: the time of the state, in milliseconds by the clock of the server. Otherwise null. */
  frozenAt: number | null;
  /** Shows the run of an answer before the stream reports it. */
  applyLog(log: SyncLog): void;
}

type View = Pick<WatchedOrganization, 'state' | 'connection'>;

export function useOrganization(organizationId: number): WatchedOrganization {
  const watch = useRef<OrganizationWatch | null>(null);
  const [view, setView] = useState<View>(() => ({
    state: unknownOrganization(organizationId),
    connection: { kind: 'connecting', since: Date.now() },
  }));

  useEffect(() => {
    const opened = watchOrganization(organizationId, {
      ...watchAccess(),
      baseUrl: BASE_PATH,
      onState: (state, connection) => setView({ state, connection }),
    });
    watch.current = opened;
    const stopWaking = reconnectOnVisible(opened);
    return () => {
      stopWaking();
      opened.stop();
    };
  }, [organizationId]);

  const applyLog = useCallback((log: SyncLog) => watch.current?.applyLog(log), []);
  const { state, connection } = view;
  const frozenAt = isConnected(connection) || !state.isKnown ? null : byServer(connection.since);
  return { state, connection, frozenAt, applyLog };
}
