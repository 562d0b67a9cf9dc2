/** The reasons why Cliniko returns no page. The caller decides by the kind. */

export type ClinikoFailure =
  /** 401: the key is wrong or was revoked. Not retried. */
  | { kind: 'unauthorised' }
  /** 403: the key's user may not see patients. Not retried. */
  | { kind: 'forbidden' }
  /** 429 despite pacing and waiting. */
  | { kind: 'rate-limited'; resetAt: Date }
  /** 408, 5xx, a timeout, or no connection (`status` undefined, `code` of the network), after all retries. */
  | {
      kind: 'unavailable';
      status: number | undefined;
      code?: string | undefined;
      /** The delay that `Retry-After` requested. */
      retryAfterMs?: number | undefined;
    }
  /**
   * A response that is not a page of patients: not JSON, truncated, another shape, a redirect, an unexpected status. Or with `fault`
   * a page that cannot be right.
   */
  | { kind: 'unreadable'; status: number; fault?: PageFault };

/** What shows that a page is not the one that was requested. */
export type PageFault = 'repeated' | 'empty' | 'unfiltered';

const WORDS: Record<ClinikoFailure['kind'], string> = {
  unauthorised: 'Cliniko API authentication failed: Invalid API key',
  forbidden: 'Cliniko refused access: the user of this API key may not read patients',
  'rate-limited': 'Cliniko keeps answering that its rate limit is exceeded',
  unavailable: 'Cliniko could not be reached or did not answer properly',
  unreadable: 'Cliniko gave an answer that is not a page of patients',
};

const FAULT_WORDS: Record<PageFault, string> = {
  repeated: 'Cliniko returned the same page of its list again instead of the next one',
  empty: 'Cliniko returned an empty page where its list should have patients',
  unfiltered: 'Cliniko returned only patients that were changed before the requested time',
};

/** Cliniko returned no usable page. The message contains no patient data, so it may be logged and shown. */
export class ClinikoError extends Error {
  override readonly name = 'ClinikoError';
  readonly failure: ClinikoFailure;

  constructor(failure: ClinikoFailure, options?: ErrorOptions) {
    super(failureWords(failure), options);
    this.failure = failure;
  }
}

export const unusablePage = (fault: PageFault): ClinikoFailure => ({
  kind: 'unreadable',
  status: 200,
  fault,
});

/** Whether Cliniko does not accept the request as such (400, 404, 422): its key is valid, and no retry helps. */
export function isRequestRefused(error: unknown): boolean {
  const failure = error instanceof ClinikoError ? error.failure : undefined;
  return failure?.kind === 'unreadable' && failure.status >= 400;
}

/** The text of a failure, with the HTTP status or the network's code, such as "(HTTP 503)" or "(ECONNREFUSED)". */
export function failureWords(failure: ClinikoFailure): string {
  if ('fault' in failure && failure.fault !== undefined) return FAULT_WORDS[failure.fault];
  const words = WORDS[failure.kind];
  if ('status' in failure && failure.status !== undefined) return `${words} (HTTP ${failure.status})`;
  return 'code' in failure && failure.code !== undefined ? `${words} (${failure.code})` : words;
}
