/**
 * Whether everything is paused, read at an interval, because another person may change it. Only an administrator of all
 * organizations may know.
 */
import { useCallback, useEffect, useState } from 'react';
import type { Pause, PauseRequest } from '#contract/pause.ts';
import { type Api, ApiError } from '../api.ts';

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
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isCurrent = isWanted;
    const read = async (): Promise<void> => {
      try {
        const next = await api.pause();
        if (isCurrent) setPause(next);
      } catch (error) {
        if (error instanceof ApiError && error.status === 403) return;
        // Without an answer, the one before stays; the next read tries again.
      }
      if (isCurrent) timer = setTimeout(() => void read(), EVERY_MS);
    };
    if (isWanted) void read();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api, isWanted]);
  const change = useCallback(
    async (request: PauseRequest): Promise<void> => setPause(await api.savePause(request)),
    [api],
  );
  return { pause, change };
}
