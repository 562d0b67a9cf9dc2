/**
 * `useSyncProgress(orgId)`: the live state of a sync for any React component, instead of the guide's polling loop.
 *
 *     const { progress, percent, step, connection, startSync } = useSyncProgress(123);
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { problemText, stepText } from '#contract/progress.ts';
import { StartedSync, type SyncLog } from '#contract/sync-log.ts';
import { type Access, authorization, Refusal } from '../live/access.ts';
import type { Connection } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';

export interface SyncProgressOptions extends Access {
  /** Of the server, without a trailing slash. Default: the page's own origin. */
  baseUrl?: string;
}

export interface SyncProgress {
  /** The latest run, as in the poll's answer; null when there is none, or none is known yet. */
  progress: SyncLog | null;
  /** False until the first answer. */
  isKnown: boolean;
  /** 0 to 100; it never falls within one run. */
  percent: number;
  /** The current step, in the guide's words. */
  step: string;
  /** The failure and its solution; null without a failure. */
  problem: string | null;
  connection: Connection;
  /**
   * Starts a full sync, or joins the one that is running.
   *
   * @throws Error with a message that may be shown
   */
  startSync(): Promise<void>;
}

/** @param orgId whole number; text is accepted, as in the guide's component */
export function useSyncProgress(orgId: number | string, options: SyncProgressOptions = {}): SyncProgress {
  const organizationId = Number(orgId);
  const { baseUrl = '' } = options;
  // Inline hooks are new with every render; the connection must stay.
  const access = useRef<Access>(options);
  access.current = options;
  const watch = useRef<OrganizationWatch | null>(null);
  const [view, setView] = useState<{ state: OrganizationState; connection: Connection }>(() => ({
    state: unknownOrganization(organizationId),
    connection: { kind: 'connecting', since: Date.now() },
  }));
  const hasStreamToken = options.getStreamToken !== undefined;
  const hasToken = options.getToken !== undefined;

  useEffect(() => {
    const opened = watchOrganization(organizationId, {
      baseUrl,
      onState: (state, connection) => setView({ state, connection }),
      ...(hasToken && { getToken: async () => (await access.current.getToken?.()) ?? null }),
      ...(hasStreamToken && {
        getStreamToken: async (why) => (await access.current.getStreamToken?.(why)) ?? null,
      }),
    });
    watch.current = opened;
    const stopWaking = reconnectOnVisible(opened);
    return () => {
      stopWaking();
      opened.stop();
    };
  }, [organizationId, baseUrl, hasStreamToken, hasToken]);

  const startSync = useCallback(async () => {
    const log = await start(baseUrl, organizationId, access.current);
    watch.current?.applyLog(log);
  }, [baseUrl, organizationId]);

  // The state of the previous organization does not apply to this one.
  const state =
    view.state.organizationId === organizationId ? view.state : unknownOrganization(organizationId);
  const { log } = state;
  return {
    progress: log,
    isKnown: state.isKnown,
    percent: state.percent,
    step: stepText(log),
    problem: log && problemText(log),
    connection: view.connection,
    startSync,
  };
}

async function start(baseUrl: string, organizationId: number, access: Access): Promise<SyncLog> {
  const response = await fetch(`${baseUrl}/api/v1/cliniko/sync-all/${organizationId}`, {
    method: 'POST',
    headers: await authorization(access),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  const started = StartedSync.safeParse(answer);
  if (started.success) return started.data.log;
  throw new Error(Refusal.safeParse(answer).data?.detail ?? `The sync did not start (${response.status}).`);
}
