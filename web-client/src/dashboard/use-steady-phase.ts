/**
 * The run as it is shown: its phase changes at most once a second, so that a short wait between two pages does not flicker.
 *
 * Counts and the end of a run are shown at once.
 */
import { useEffect, useReducer, useRef } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';

const LEAST_MS = 1_000;

interface Shown {
  log: SyncLog;
  /** Of the phase, in milliseconds. */
  since: number;
}

export function useSteadyPhase(log: SyncLog | null): SyncLog | null {
  const shown = useRef<Shown | null>(null);
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  const now = performance.now();
  const before = shown.current;
  const isHeld = log !== null && before !== null && holdsPhase(before, log, now);
  useEffect(() => {
    if (!isHeld || before === null) return;
    const timer = setTimeout(drawAgain, before.since + LEAST_MS - performance.now());
    return () => clearTimeout(timer);
  }, [isHeld, before]);
  if (log === null) {
    shown.current = null;
    return null;
  }
  if (isHeld) return withPhaseOf(log, before.log);
  if (before === null || before.log.id !== log.id || before.log.metadata.phase !== log.metadata.phase) {
    shown.current = { log, since: now };
  } else {
    shown.current = { ...before, log };
  }
  return log;
}

/** Whether the phase that is shown has to stay for a moment. */
function holdsPhase({ log: before, since }: Shown, log: SyncLog, now: number): boolean {
  if (log.id !== before.id || log.status !== 'running' || before.status !== 'running') return false;
  if (log.metadata.phase === before.metadata.phase || log.metadata.phase === 'cancelling') return false;
  return now - since < LEAST_MS;
}

function withPhaseOf(log: SyncLog, { metadata: before }: SyncLog): SyncLog {
  const { phase, waiting_until, waiting_reason } = before;
  return { ...log, metadata: { ...log.metadata, phase, waiting_until, waiting_reason } };
}
