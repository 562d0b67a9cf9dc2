/** Starts a sync from the page, and reports the result of the request. The watch reports the run itself. */
import { useCallback, useEffect, useState } from 'react';
import type { OperationType, SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError, messageOf } from '../api.ts';
import { isConnected } from '../live/connection.ts';
import type { WatchedOrganization } from './use-organization.ts';

export type StartOutcome =
  | { kind: 'none' }
  | { kind: 'asking' }
  /** The press joined this run. */
  | { kind: 'already-running'; runId: number }
  | { kind: 'refused'; message: string };

export interface Start {
  outcome: StartOutcome;
  begin(type: OperationType): void;
}

export interface StartHandlers {
  /** Gets the run from the server's answer. */
  applyLog(log: SyncLog): void;
  /** The server does not know the organization: a read of its registration says so, until it is registered again. */
  onNotRegistered(): void;
}

/** @param watched a refusal is forgotten when its run changes, or its connection returns: it says nothing about them */
export function useStart(
  api: Api,
  { state: { organizationId, log }, connection }: Pick<WatchedOrganization, 'state' | 'connection'>,
  { applyLog, onNotRegistered }: StartHandlers,
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
          setOutcome(
            started.already_running ? { kind: 'already-running', runId: started.log.id } : { kind: 'none' },
          );
          applyLog(started.log);
        })
        .catch((error: unknown) => {
          const isUnknown = error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND';
          if (isUnknown) onNotRegistered();
          setOutcome(isUnknown ? { kind: 'none' } : { kind: 'refused', message: messageOf(error) });
        });
    },
    [api, organizationId, applyLog, onNotRegistered],
  );
  return { outcome, begin };
}
