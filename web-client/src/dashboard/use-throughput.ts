/** The pace of the run that is shown, counted here from what arrives, second by second. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { moved, noThroughput, type Throughput, withCount } from '../ui/throughput.ts';

interface Counted {
  throughput: Throughput;
  runId: number | null;
  processed: number;
}

/** @param log null or ended: then it stands */
export function useThroughput(log: SyncLog | null): Throughput {
  const [counted, setCounted] = useState<Counted>(() => ({
    throughput: noThroughput(secondNow()),
    runId: null,
    processed: 0,
  }));
  const isRunning = log?.status === 'running';

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

/** The first that is seen of a run may be a lot that took long: it says nothing about the pace. */
function withLog(before: Counted, { id, records_processed: processed }: SyncLog): Counted {
  const second = secondNow();
  if (before.runId !== id) return { throughput: noThroughput(second), runId: id, processed };
  const grown = Math.max(0, processed - before.processed);
  return { throughput: withCount(before.throughput, second, grown), runId: id, processed };
}

function secondNow(): number {
  return Math.floor(performance.now() / 1000);
}
