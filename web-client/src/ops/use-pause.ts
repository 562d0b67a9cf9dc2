/**
 * Whether everything is paused, read at an interval, because another person may change it. Only an administrator of all
 * organizations may know.
 */
import { useCallback, useEffect, useState } from 'react';
import type { Pause, PauseRequest } from '#contract/pause.ts';
import { type Api, ApiError } from '../api.ts';
import { readRepeatedly } from '../hooks/read-repeatedly.ts';

const EVERY_MS = 15_000;

export interface KnownPause {
  /** Null until the server has answered, and for an account that may not know. */
  pause: Pause | null;
  change(request: PauseRequest): Promise<void>;
}

/** @param isWanted false: nothing is asked for */
export function usePause(api: Api, isWanted: boolean): KnownPause {
  const [pause, setPause] = useState<Pause | null>(null);
  useEffect(() => {
    if (!isWanted) return;
    return readRepeatedly(
      api.pause,
      (next) => {
        setPause(next);
        return EVERY_MS;
      },
      // Without an answer, the one before stays; the next read tries again.
      (error) => (error instanceof ApiError && error.status === 403 ? null : EVERY_MS),
    );
  }, [api, isWanted]);
  const change = useCallback(
    async (request: PauseRequest): Promise<void> => setPause(await api.savePause(request)),
    [api],
  );
  return { pause, change };
}
