/** What one attempt of a run has requested from Cliniko, and how fast the answers arrive. It is ahead of what is stored. */
import type { OperationType } from '#contract/sync-log.ts';
import { savesAnAnswer } from './read/early-catch-up.ts';
import { type EstimateInputs, LATEST } from './remaining-time.ts';

/**
 * The answers that usually follow the last page, one after the other: the clinic is counted again while changes are read, or
 * both arrive with the last pages of a full sync.
 */
const CLOSING_ANSWERS: Record<OperationType, (answerMs: number) => number> = {
  full_patients: (answerMs) => (savesAnAnswer(answerMs) ? 0 : 1),
  active_patients: () => 1,
  changed_patients: () => 0,
};

/** The least weight of the newest answer: Cliniko's speed changes during a long run. */
const LEAST_WEIGHT = 0.05;

export interface Traffic {
  readonly requests: number;
  /** Read by the run so far. */
  readonly loaded: number;
  readonly read: EstimateInputs['read'];
  readonly closingMs: number;
  requestSent(): void;
  /** @param elapsedMs of the run, now */
  pageRequested(elapsedMs: number): PageRequest;
}

/** A request for a page that has no answer yet. */
interface PageRequest {
  /** @param answerMs undefined when the request waited: then its duration says nothing about Cliniko's speed */
  arrived(page: { records: number; answerMs: number | undefined }): void;
  /** There is an answer, or there will be none. */
  ended(): void;
}

/**
 * @param processed at the claim. Records that an earlier attempt read ahead of its checkpoint do not count
 * @param window pages requested at the same time; a scan of changes requests one after the other
 */
export function createTraffic(type: OperationType, processed: number, window: number): Traffic {
  let requests = 0;
  let loaded = processed;
  /** The elapsed time of the run at which each request without an answer was sent. */
  const sentMs = new Map<PageRequest, number>();
  let answers = 0;
  let meanAnswerMs: number | undefined;
  let spreadMs = 0;
  const answered = (answerMs: number): void => {
    answers += 1;
    const weight = Math.max(LEAST_WEIGHT, 1 / answers);
    const before = meanAnswerMs ?? answerMs;
    spreadMs += (Math.abs(answerMs - before) - spreadMs) * weight;
    meanAnswerMs = before + (answerMs - before) * weight;
  };
  return {
    get requests() {
      return requests;
    },
    get loaded() {
      return loaded;
    },
    get read() {
      if (meanAnswerMs === undefined) return undefined;
      const inFlight = type === 'changed_patients' ? 1 : window;
      return {
        records: loaded,
        sentMs: [...sentMs.values()],
        answerMs: meanAnswerMs,
        spreadMs,
        window: inFlight,
      };
    },
    get closingMs() {
      if (meanAnswerMs === undefined) return 0;
      // Several requests at once: the latest answer counts.
      return CLOSING_ANSWERS[type](meanAnswerMs) * (meanAnswerMs + LATEST * spreadMs);
    },
    requestSent() {
      requests += 1;
    },
    pageRequested(elapsedMs) {
      const request: PageRequest = {
        arrived({ records, answerMs }) {
          loaded += records;
          if (answerMs !== undefined) answered(answerMs);
        },
        ended: () => void sentMs.delete(request),
      };
      sentMs.set(request, elapsedMs);
      return request;
    },
  };
}
