/** Measures the answers of a source: from the call to the answer, waits included. */
import type { PatientSource } from '../../cliniko/source.ts';

export interface TimedSource extends PatientSource {
  /** Infinity until the first answer. */
  fastestMs(): number;
  /** 0 until the first answer. */
  slowestMs(): number;
  /** When the latest answer arrived, on the monotonic clock. */
  answeredAt(): number;
}

export function timeAnswers(source: PatientSource): TimedSource {
  let fastest = Infinity;
  let slowest = 0;
  let latest = 0;
  return {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    fastestMs: () => fastest,
    slowestMs: () => slowest,
    answeredAt: () => latest,
    async page(query, options) {
      const askedAt = performance.now();
      const page = await source.page(query, options);
      latest = performance.now();
      const ms = latest - askedAt;
      fastest = Math.min(fastest, ms);
      slowest = Math.max(slowest, ms);
      return page;
    },
  };
}
