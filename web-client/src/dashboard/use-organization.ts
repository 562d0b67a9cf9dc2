/** Watches one organization while a component is mounted (live/). */

import { useCallback, useEffect, useRef, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { watchAccess } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { useReconnectOnVisible } from '../hooks/use-reconnect-on-visible.ts';
import type { Connection } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';

export interface WatchedOrganization {
  state: OrganizationState;
  connection: Connection;
  /** Shows the run of an answer before the stream reports it. */
  applyLog(log: SyncLog): void;
}

export function useOrganization(organizationId: number): WatchedOrganization {
  const watch = useRef<OrganizationWatch | null>(null);
  const [view, setView] = useState<{ state: OrganizationState; connection: Connection }>(() => ({
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
    return () => opened.stop();
  }, [organizationId]);
  useReconnectOnVisible(useCallback(() => watch.current?.reconnect(), []));

  const applyLog = useCallback((log: SyncLog) => watch.current?.applyLog(log), []);
  return { ...view, applyLog };
}
