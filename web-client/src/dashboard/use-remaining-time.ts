/** Counts the remaining time of the shown run down, between the reports of the server. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { type Countdown, countdownAfter, leftText } from './countdown.ts';

/** @returns null while it is unknown, or the connection is lost: then nothing ticks and nothing is promised */
export function useRemainingTime(log: SyncLog | null, isFrozen: boolean): string | null {
  const [countdown, setCountdown] = useState<Countdown | null>(null);
  const isActive = log?.status === 'running' && !isFrozen;
  useEffect(() => {
    const reported = log !== null && isActive ? (log.metadata.estimated_remaining_ms ?? null) : null;
    setCountdown((before) => countdownAfter(before, log?.id ?? 0, reported, Date.now()));
  }, [log, isActive]);
  useNow(isActive && countdown !== null);
  // Not by the clock of the server: the page may learn it while it counts down.
  return countdown === null || !isActive ? null : leftText(countdown.endsAt - Date.now());
}
