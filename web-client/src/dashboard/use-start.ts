/** Starts a sync from the page, and reports the result of the request. The watch reports the run itself. */
import { useCallback, useEffect, useState } from 'react';
import type { OperationType, SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';
import { isConnected } from '../live/connection.ts';
import type { WatchedOrganization } from './use-organization.ts';

export type StartOutcome =
  | { kind: 'none' }
  | { kind: 'asking' }
  | { kind: 'already-running' }
  | { kind: 'not-registered' }
  | { kind: 'refused'; message: string };

export interface Start {
  outcome: StartOutcome;
  begin(type: OperationType): void;
}

/**
 * @param watched a refusal is forgotten when its run changes, or its connection returns: it says nothing about them
 * @param applyLog gets the run from the server's answer
 */
export function useStart(
  api: Api,
  { state: { organizationId, log }, connection }: Pick<WatchedOrganization, 'state' | 'connection'>,
  applyLog: (log: SyncLog) => void,
): Start {
  const [outcome, setOutcome] = useState<StartOutcome>({ kind: 'none' });
  const isWatching = isConnected(connection);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `log` is not read, its change is the reason to forget.
  useEffect(() => {
    if (isWatching) setOutcome((before) => (before.kind === 'refused' ? { kind: 'none' } : before));
  }, [log, isWatching]);
  const begin = useCallback(
    (type: OperationType): void => {
      setOutcome({ kind: 'asking' });
      api
        .startSync(organizationId, type)
        .then((started) => {
          setOutcome({ kind: started.already_running ? 'already-running' : 'none' });
          applyLog(started.log);
        })
        .catch((error: unknown) => setOutcome(outcomeOf(error)));
    },
    [api, organizationId, applyLog],
  );
  return { outcome, begin };
}

function outcomeOf(error: unknown): StartOutcome {
  if (!(error instanceof ApiError)) throw error;
  if (error.code === 'ORGANIZATION_NOT_FOUND') return { kind: 'not-registered' };
  return { kind: 'refused', message: error.message };
}
