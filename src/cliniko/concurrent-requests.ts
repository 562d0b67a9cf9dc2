/** Limits how many requests of one run are in flight. */
import { waitForTurn } from '../timing/wait-for-turn.ts';
import type { PatientPage, PatientSource } from './source.ts';

/** Requests are sent in the order of the calls. @param limit maximum number in flight, including their retries */
export function limitConcurrentRequests(source: PatientSource, limit: number): PatientSource {
  const waiting = new Set<() => void>();
  let inFlight = 0;
  const enter = async (signal: AbortSignal): Promise<void> => {
    if (inFlight < limit) {
      inFlight += 1;
      return;
    }
    await waitForTurn(signal, (go) => {
      waiting.add(go);
      return () => waiting.delete(go);
    });
  };
  /** The place goes to the next request, or is free again. */
  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      inFlight -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  return {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    async page(query, options): Promise<PatientPage> {
      await enter(options.signal);
      try {
        return await source.page(query, options);
      } finally {
        leave();
      }
    },
  };
}
