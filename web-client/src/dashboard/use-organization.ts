/** One organization, watched for as long as a component is on the page. The watching itself is live/'s. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import type { Connection } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';
import { watchAccess } from '../look/session.ts';
import { useWake } from '../look/use-wake.ts';

export interface WatchedOrganization {
  state: OrganizationState;
  connection: Connection;
  /** Shows the run that an answer named, before the stream tells of it. */
  learn(log: SyncLog): void;
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
      baseUrl: '',
      onState: (state, connection) => setView({ state, connection }),
    });
    watch.current = opened;
    return () => opened.stop();
  }, [organizationId]);
  useWake(useCallback(() => watch.current?.wake(), []));

  const learn = useCallback((log: SyncLog) => watch.current?.learn(log), []);
  return { ...view, learn };
}
