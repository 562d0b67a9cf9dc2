/** Counts the remaining time of the shown run down, between the reports of the server. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { serverNow } from '../server-time.ts';
import { type Countdown, countdownAfter, leftText } from './countdown.ts';

/** @returns null while it is unknown, or the connection is lost: then nothing ticks and nothing is promised */
export function useRemainingTime(log: SyncLog | null, isFrozen: boolean): string | null {
  const [countdown, setCountdown] = useState<Countdown | null>(null);
  const isActive = log?.status === 'running' && !isFrozen;
  useEffect(() => {
    const reported = log !== null && isActive ? (log.metadata.estimated_remaining_ms ?? null) : null;
    setCountdown((before) => countdownAfter(before, log?.id ?? 0, reported, serverNow()));
  }, [log, isActive]);
  const now = useNow(isActive && countdown !== null);
  return countdown === null || !isActive ? null : leftText(countdown.endsAt - now);
}
