/** Cancels a run after a confirmation. The stream reports the result. */
import { useCallback, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';

export interface Cancel {
  /** The run to be confirmed, in its present state. */
  asked: SyncLog | null;
  ask(log: SyncLog): void;
  forget(): void;
  /** @throws ApiError when the run ended before the confirmation */
  confirm(): Promise<void>;
}

/**
 * @param latest as the stream reports it
 * @param applyLog gets the run from the server's answer
 */
export function useCancel(api: Api, latest: SyncLog | null, applyLog: (log: SyncLog) => void): Cancel {
  const [asked, setAsked] = useState<SyncLog | null>(null);
  const [isSent, setIsSent] = useState(false);
  // Once it is sent, the stream may report the requested end before the answer: the question stays until that closes it.
  const now = asked !== null && !isSent && latest?.id === asked.id ? latest : asked;
  const confirm = useCallback(async (): Promise<void> => {
    if (asked === null) return;
    setIsSent(true);
    try {
      applyLog(await api.cancelSync(asked.organization_id, asked.id));
    } finally {
      setIsSent(false);
    }
  }, [api, asked, applyLog]);
  return { asked: now, ask: setAsked, forget: useCallback(() => setAsked(null), []), confirm };
}
