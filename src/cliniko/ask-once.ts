/** One request to Cliniko for a person who waits: no retry, and no wait for the request limit. */
import { limitTime } from '../timing/time-limit.ts';
import { ClinikoError } from './error.ts';
import type { PageOptions, WaitNotice } from './source.ts';

/** Long enough for one slow answer, short enough for a person who waits. */
const TIMEOUT_MS = 10_000;

/**
 * @param request sends one request; the options end it before a second one is sent
 * @throws ClinikoError; `rate-limited` also when the request would have to wait for the limit
 * @throws DOMException (TimeoutError) when Cliniko does not answer in time
 */
export async function askOnce<T>(request: (options: PageOptions) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const limit = limitTime(TIMEOUT_MS, stop.signal);
  const giveUp = () => stop.abort(new ClinikoError({ kind: 'unavailable', status: undefined }));
  let sent = 0;
  const onRequest = () => {
    sent += 1;
    if (sent > 1) giveUp();
  };
  const onWait = ({ reason, until }: WaitNotice) => {
    if (reason === 'retrying') giveUp();
    else if (reason !== 'no-answer') stop.abort(new ClinikoError({ kind: 'rate-limited', resetAt: until }));
  };
  try {
    return await request({ signal: limit.signal, onRequest, onWait });
  } finally {
    limit.clear();
  }
}
