/**
 * Where patients come from: the port between the sync engine and Cliniko.
 *
 * Two adapters: the HTTP client (client.ts), and a scripted source in the tests and benchmarks. Pages are asked
 * for side by side, so an adapter paces and retries by itself and answers each question for itself.
 *
 * Not here: which pages make a whole clinic (sync/read/page-scan.ts), what a record means (wire.ts).
 */

/** A question to `GET /patients`. */
export interface PageQuery {
  /** 1-based. */
  page: number;
  /** 1 to 100. */
  perPage: number;
  /** Cliniko's `q[]` conditions, such as `archived_at:*`; all must hold. */
  filters: readonly string[];
  /** Cliniko's `sort`, such as `created_at:asc,id:asc`. */
  sort: string;
}

/** One page as Cliniko gave it: an envelope that was understood, around records nobody has looked into yet. */
export interface PatientPage {
  records: readonly unknown[];
  /** How many records match the query at this moment; undefined when Cliniko did not say. */
  totalEntries: number | undefined;
  /** Whether Cliniko names a next page. */
  hasNext: boolean;
  /** When the question reached Cliniko by its own clock, or a little earlier; undefined when it does not tell the time. */
  askedAt?: Date | undefined;
}

/** Why a request is held back, so that people can be told. */
export interface WaitNotice {
  until: Date;
  /** `no-answer`: a request has left, and nothing has come back for `NO_ANSWER_AFTER_MS`. */
  reason: 'rate-limited' | 'pacing' | 'retrying' | 'no-answer';
  /** Which try of how many the request is waiting for, or is. */
  try?: number;
  maxTries?: number;
  /** What went wrong in the try before, in words without patient data. */
  words?: string;
}

/** People are told of a wait this long. */
export const MIN_REPORTED_WAIT_MS = 1_000;

/** A run that has waited so long for an answer waits, and does not work. */
export const NO_ANSWER_AFTER_MS = 5_000;

export interface PageOptions {
  /** Aborting rejects at once, also in the middle of a wait; no request leaves afterwards. */
  signal: AbortSignal;
  /** Called when a request has to wait for `WORTH_TELLING_MS` or more, before the wait begins. */
  onWait?: (notice: WaitNotice) => void;
  /** Called with a notice whose wait is over before its time. */
  onWaitOver?: (notice: WaitNotice) => void;
  /** Called each time a request leaves, retries included. */
  onRequest?: () => void;
}

export interface PatientSource {
  /**
   * Fetches one page.
   *
   * @throws ClinikoError when Cliniko gave no usable page, after all retries
   * @throws the signal's reason when aborted
   */
  page(query: PageQuery, options: PageOptions): Promise<PatientPage>;
  /** About how long it takes, in milliseconds, until so many more requests may have left; 0 when all could leave now. */
  estimateWaitMs(requests: number): number;
}
