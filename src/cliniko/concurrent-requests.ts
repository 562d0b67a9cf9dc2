/** Limits how many requests of one run are in flight. */
import { createPlaces } from '../timing/places.ts';
import type { PatientSource } from './source.ts';

/** Requests are sent in the order of the calls. @param limit maximum number in flight, including their retries */
export function limitConcurrentRequests(source: PatientSource, limit: number): PatientSource {
  const places = createPlaces(limit);
  return {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    page: (query, options) => places(options.signal, () => source.page(query, options)),
  };
}
