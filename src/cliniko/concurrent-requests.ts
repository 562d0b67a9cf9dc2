/** Limits how many requests of one run are in flight. */
import { createPlaces } from '../timing/places.ts';
import type { PatientPage, PatientSource } from './source.ts';

/** Requests are sent in the order of the calls. @param limit maximum number in flight, including their retries */
export function limitConcurrentRequests(source: PatientSource, limit: number): PatientSource {
  const places = createPlaces(limit);
  return {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    async page(query, options): Promise<PatientPage> {
      await places.enter(options.signal);
      try {
        return await source.page(query, options);
      } finally {
        places.leave();
      }
    },
  };
}
