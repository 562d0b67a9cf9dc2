/**
 * The patient source: the port between the sync engine and Cliniko.
 *
 * Two adapters: the HTTP client (client.ts), and a scripted source in the tests and benchmarks. Pages are requested
 * concurrently, so an adapter paces and retries requests itself and handles each request independently.
 *
 * Not here: which pages make a whole clinic (sync/read/whole-clinic.ts), what a record means (wire.ts).
 */
import type { ClinikoRecord } from './record.ts';

/** The query of a `GET /patients` request. */
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

/** One page as Cliniko returned it: a parsed envelope with unparsed records. */
export interface PatientPage {
  records: readonly ClinikoRecord[];
  /** How many records match the query at this moment; undefined when Cliniko did not report it. */
  totalEntries: number | undefined;
  /** Whether Cliniko names a next page. */
  hasNext: boolean;
  /** When the request reached Cliniko, by its clock, or a little earlier; undefined when the response has no time. */
  askedAt?: Date | undefined;
}

/** Why a request waits, for display. */
export interface WaitNotice {
  until: Date;
  /** `no-answer`: a request was sent, and got no response for `NO_ANSWER_AFTER_MS`. */
  reason: 'rate-limited' | 'pacing' | 'retrying' | 'no-answer';
  /** The number of the current or next try, and the maximum. */
  try?: number;
  maxTries?: number;
  /** Why the previous try failed, without patient data. */
  words?: string;
}

/** Shorter waits are not reported. */
export const MIN_REPORTED_WAIT_MS = 1_000;

/** A run that has waited this long for a response counts as waiting. */
export const NO_ANSWER_AFTER_MS = 5_000;

export interface RequestOptions {
  /** Aborting rejects at once, even during a wait. No request is sent afterwards. */
  signal: AbortSignal;
  /** No retry: the first failure is the result. */
  once?: boolean;
  /** Called before a request waits for `MIN_REPORTED_WAIT_MS` or more. */
  onWait?: (notice: WaitNotice) => void;
  /** Called with a notice whose wait ended early. */
  onWaitOver?: (notice: WaitNotice) => void;
  /** Called each time a request is sent, including retries. */
  onRequest?: () => void;
}

export interface PatientSource {
  /**
   * Fetches one page.
   *
   * @throws ClinikoError when Cliniko returned no usable page, after all retries
   * @throws the signal's reason when aborted
   */
  page(query: PageQuery, options: RequestOptions): Promise<PatientPage>;
  /** Estimated time in milliseconds until this many more requests can be sent; 0 when all can be sent now. */
  estimateWaitMs(requests: number): number;
}
