/**
 * `useSyncProgress(orgId)`: the live state of a sync for any React component, instead of the guide's polling loop.
 *
 *     const { progress, percent, step, connection, startSync } = useSyncProgress(123);
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Access } from '../live/access.ts';
import {
  lastingAccess,
  nothingWatched,
  type ProgressState,
  type ProgressWatch,
  progressState,
  type SyncProgressOptions,
  startFullSync,
  watchProgress,
} from '../progress/progress-state.ts';

export interface LiveSyncProgress extends ProgressState {
  /**
   * Starts a full sync, or joins the one that is running.
   *
   * @throws Error with a message that may be shown
   */
  startSync(): Promise<void>;
}

/** @param orgId whole number; text is accepted, as in the guide's component */
export function useSyncProgress(orgId: number | string, options: SyncProgressOptions = {}): LiveSyncProgress {
  const organizationId = Number(orgId);
  const { baseUrl = '' } = options;
  const access = useRef<Access>(options);
  access.current = options;
  const watch = useRef<ProgressWatch | null>(null);
  const [watched, setWatched] = useState(() => nothingWatched(organizationId));
  const [hasToken, hasStreamToken] = [options.getToken !== undefined, options.getStreamToken !== undefined];

  useEffect(() => {
    const lasting = lastingAccess({ hasToken, hasStreamToken }, () => access.current);
    const opened = watchProgress(organizationId, baseUrl, lasting, setWatched);
    watch.current = opened;
    return () => opened.stop();
  }, [organizationId, baseUrl, hasToken, hasStreamToken]);

  const startSync = useCallback(async () => {
    const log = await startFullSync(organizationId, baseUrl, access.current);
    watch.current?.applyLog(log);
  }, [baseUrl, organizationId]);

  return { ...progressState(watched, organizationId, options.texts), startSync };
}
