/** Watches one organization while a component is mounted (live/). */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { watchAccess } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';
import { serverNow } from '../server-time.ts';

export interface WatchedOrganization {
  state: OrganizationState;
  connection: Connection;
  /** While the connection is lost: when the state arrived, in milliseconds of the client's clock. Otherwise null. */
  frozenAt: number | null;
  /** Shows the run of an answer before the stream reports it. */
  applyLog(log: SyncLog): void;
}

interface View {
  state: OrganizationState;
  connection: Connection;
  /** When the server was last known to answer, or the state last changed. */
  answeredAt: number;
}

export function useOrganization(organizationId: number): WatchedOrganization {
  const watch = useRef<OrganizationWatch | null>(null);
  const [view, setView] = useState<View>(() => ({
    state: unknownOrganization(organizationId),
    connection: { kind: 'connecting', since: Date.now() },
    answeredAt: serverNow(),
  }));

  useEffect(() => {
    const opened = watchOrganization(organizationId, {
      ...watchAccess(),
      baseUrl: BASE_PATH,
      onState: (state, connection) => setView((before) => viewAfter(before, state, connection)),
    });
    watch.current = opened;
    const stopWaking = reconnectOnVisible(opened);
    return () => {
      stopWaking();
      opened.stop();
    };
  }, [organizationId]);

  const applyLog = useCallback((log: SyncLog) => watch.current?.applyLog(log), []);
  const { state, connection, answeredAt } = view;
  const frozenAt = isConnected(connection) || !state.isKnown ? null : answeredAt;
  return { state, connection, frozenAt, applyLog };
}

function viewAfter(
  { state: before, answeredAt }: View,
  state: OrganizationState,
  connection: Connection,
): View {
  const isAnswered = isConnected(connection) || state !== before;
  return { state, connection, answeredAt: isAnswered ? serverNow() : answeredAt };
}
