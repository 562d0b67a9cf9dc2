/** Cancels a run after a confirmation. The stream reports the result. */
import { useCallback, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';

export interface Cancel {
  /** The run to be confirmed. */
  asked: SyncLog | null;
  ask(log: SyncLog): void;
  forget(): void;
  confirm(): Promise<void>;
}

/** @param applyLog gets the run from the server's answer */
export function useCancel(api: Api, applyLog: (log: SyncLog) => void): Cancel {
  const [asked, setAsked] = useState<SyncLog | null>(null);
  const confirm = useCallback(async (): Promise<void> => {
    if (asked === null) return;
    try {
      applyLog(await api.cancelSync(asked.organization_id, asked.id));
    } catch (error) {
      // The run ended before the confirmation: there is nothing to cancel.
      if (!(error instanceof ApiError) || error.code !== 'ALREADY_ENDED') throw error;
    }
  }, [api, asked, applyLog]);
  return { asked, ask: setAsked, forget: useCallback(() => setAsked(null), []), confirm };
}
