/** Cancelling a run: people are asked once more, and what becomes of it is told by the stream like everything else. */
import { useCallback, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';

export interface Cancel {
  /** The run that people are being asked about. */
  asked: SyncLog | null;
  ask(log: SyncLog): void;
  forget(): void;
  confirm(): Promise<void>;
}

/** @param learn is given the run that the server answered with */
export function useCancel(api: Api, learn: (log: SyncLog) => void): Cancel {
  const [asked, setAsked] = useState<SyncLog | null>(null);
  const confirm = useCallback(async (): Promise<void> => {
    if (asked === null) return;
    try {
      learn(await api.cancelSync(asked.organization_id, asked.id));
    } catch (error) {
      // It was faster than the question: there is nothing left to cancel.
      if (!(error instanceof ApiError) || error.code !== 'ALREADY_ENDED') throw error;
    }
  }, [api, asked, learn]);
  return { asked, ask: setAsked, forget: useCallback(() => setAsked(null), []), confirm };
}
