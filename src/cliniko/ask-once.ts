/** One request to Cliniko for a person who waits: no retry, and no wait for the request limit. */
import { limitTime } from '../timing/time-limit.ts';
import { ClinikoError } from './error.ts';
import type { RequestOptions, WaitNotice } from './source.ts';

/** Long enough for one slow answer, short enough for a person who waits. */
const TIMEOUT_MS = 10_000;

/**
 * @param request sends one request with these options
 * @throws ClinikoError; `rate-limited` also when the request would have to wait for the limit
 * @throws DOMException (TimeoutError) when Cliniko does not answer in time
 */
export async function askOnce<T>(request: (options: RequestOptions) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const limit = limitTime(TIMEOUT_MS, stop.signal);
  const onWait = ({ reason, until }: WaitNotice) => {
    // Another request of this key is being retried, and this one would wait for its success.
    if (reason === 'retrying') stop.abort(new ClinikoError({ kind: 'unavailable', status: undefined }));
    else if (reason !== 'no-answer') stop.abort(new ClinikoError({ kind: 'rate-limited', resetAt: until }));
  };
  try {
    return await request({ signal: limit.signal, once: true, onWait });
  } finally {
    limit.clear();
  }
}
