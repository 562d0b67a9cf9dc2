/** The ways in which Cliniko gives no page. Each kind is a decision for whoever catches it. */

export type ClinikoFailure =
  /** 401: the key is wrong or was revoked. Not retried. */
  | { kind: 'unauthorised' }
  /** 403: the key's user may not see patients. Not retried. */
  | { kind: 'forbidden' }
  /** 429 in spite of pacing and waiting. */
  | { kind: 'rate-limited'; resetAt: Date }
  /** 408, 5xx, a time-out, or no connection (`status` undefined, `code` of the network), after all retries. */
  | {
      kind: 'unavailable';
      status: number | undefined;
      code?: string | undefined;
      /** What `Retry-After` asked for. */
      retryAfterMs?: number | undefined;
    }
  /** An answer that is no page of patients: not JSON, cut off, another shape, a redirect, an unexpected status. */
  | { kind: 'unreadable'; status: number };

const WORDS: Record<ClinikoFailure['kind'], string> = {
  unauthorised: 'Cliniko API authentication failed: Invalid API key',
  forbidden: 'Cliniko refused access: the user of this API key may not read patients',
  'rate-limited': 'Cliniko keeps answering that its rate limit is exceeded',
  unavailable: 'Cliniko could not be reached or did not answer properly',
  unreadable: 'Cliniko gave an answer that is not a page of patients',
};

/** Cliniko gave no usable page. The message holds no patient data, so it may be logged and shown as it is. */
export class ClinikoError extends Error {
  override readonly name = 'ClinikoError';
  readonly failure: ClinikoFailure;

  constructor(failure: ClinikoFailure, options?: ErrorOptions) {
    super(failureWords(failure), options);
    this.failure = failure;
  }
}

/** With the status or the network's code, such as "(HTTP 503)" or "(ECONNREFUSED)". */
export function failureWords(failure: ClinikoFailure): string {
  const words = WORDS[failure.kind];
  if ('status' in failure && failure.status !== undefined) return `${words} (HTTP ${failure.status})`;
  return 'code' in failure && failure.code !== undefined ? `${words} (${failure.code})` : words;
}
