/** The throughput of the shown run, measured here from the events, second by second. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { moved, noThroughput, secondNow, type Throughput, withCount } from '../ui/throughput.ts';

interface Counted {
  throughput: Throughput;
  runId: number | null;
  processed: number;
}

/**
 * @param log null or ended: the measurement stops
 * @param isFrozen the connection is lost: what arrives afterwards was processed at unknown times
 */
export function useThroughput(log: SyncLog | null, isFrozen: boolean): Throughput {
  const [counted, setCounted] = useState<Counted>(() => ({
    throughput: noThroughput(secondNow()),
    runId: null,
    processed: 0,
  }));
  const isRunning = log?.status === 'running' && !isFrozen;

  useEffect(() => {
    if (isFrozen) setCounted((before) => ({ ...before, runId: null }));
  }, [isFrozen]);
  useEffect(() => {
    if (log !== null) setCounted((before) => withLog(before, log));
  }, [log]);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => {
      setCounted((before) => ({ ...before, throughput: moved(before.throughput, secondNow()) }));
    }, 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return counted.throughput;
}

/** The first count of a run may cover a long time, so it does not count as throughput. */
function withLog(before: Counted, { id, records_processed: processed }: SyncLog): Counted {
  const second = secondNow();
  if (before.runId !== id) return { throughput: noThroughput(second), runId: id, processed };
  const grown = Math.max(0, processed - before.processed);
  return { throughput: withCount(before.throughput, second, grown), runId: id, processed };
}
