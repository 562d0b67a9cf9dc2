/**
 * The read-only HTTP client for Cliniko: the patient source of production.
 *
 * It sends only GET requests (a key can also write), only to the base URL of the key's account, and follows no redirect: the
 * key is in a header. Requests are paced and retried if a retry may help. Otherwise the page fails with a ClinikoError.
 */
import type { IncomingMessage } from 'node:http';
import { parseJson } from '#contract/parse-json.ts';
import type { Clock } from '../timing/clock.ts';
import { limitTime } from '../timing/time-limit.ts';
import { type AccountSettings, readAccountSettings } from './account-settings.ts';
import { type AccountSource, readHost, readPractitionerCount } from './account-source.ts';
import { type CircuitBreaker, type CircuitBreakers, createCircuitBreakers } from './circuit-breaker.ts';
import { dateOf } from './date-header.ts';
import { ClinikoError, type ClinikoFailure, failureWords } from './error.ts';
import { networkCode } from './network-failure.ts';
import type { Pacer } from './pacer.ts';
import { readRecords } from './record.ts';
import { requestHeaders } from './request-headers.ts';
import { readBody } from './response-body.ts';
import {
  backoffMs,
  countedTries,
  isSpent,
  isWorthRetrying,
  MAX_TRIES,
  pauseEnd,
  rateLimitReset,
  retryAfterMs,
  retryDelayMs,
} from './retry.ts';
import { sendGet } from './send-get.ts';
import { clinikoBaseUrl } from './shard.ts';
import {
  MIN_REPORTED_WAIT_MS,
  NO_ANSWER_AFTER_MS,
  type PageQuery,
  type PatientPage,
  type PatientSource,
  type RequestOptions,
  type WaitNotice,
} from './source.ts';
import { WireEnvelope } from './wire.ts';

/** Cliniko itself aborts a query after 30 s and reports it. */
const TIMEOUT_MS = 40_000;

export interface ClinikoClientOptions {
  apiKey: string;
  /** Including `/v1`; https, or plain http on this machine. Default: derived from the key. */
  baseUrl?: string | undefined;
  /** Cliniko requires a contact address in the user agent. */
  contactEmail: string | undefined;
  /** Shared by all clients with this key. */
  pacer: Pacer;
  clock: Clock;
  /** Shared by all clients of this process, so that a failing Cliniko gets fewer requests. Default: for this client only. */
  breakers?: CircuitBreakers;
  /** For one try, including the body. */
  timeoutMs?: number;
  /** From 0 to 1. */
  random?: () => number;
  /** Called after each try, with its outcome. */
  onAnswered?: (outcome: RequestOutcome, seconds: number) => void;
}

export type RequestOutcome = 'ok' | ClinikoFailure['kind'];

/** Reads the body of a successful response. @throws ClinikoError when it is not usable */
type ReadBody<T> = (body: Buffer, askedAt: Date | undefined) => T;

export class ClinikoClient implements PatientSource, AccountSource {
  readonly #options: ClinikoClientOptions;
  readonly #baseUrl: string;
  readonly #breaker: CircuitBreaker;
  readonly #headers: Record<string, string>;

  /** @throws TypeError when the key would be sent over a network in plain text */
  constructor(options: ClinikoClientOptions) {
    const {
      apiKey,
      baseUrl = clinikoBaseUrl(apiKey),
      contactEmail,
      breakers = createCircuitBreakers(),
    } = options;
    assertKeepsSecret(baseUrl);
    this.#options = options;
    this.#breaker = breakers.forKey(apiKey, new URL(baseUrl).host);
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#headers = requestHeaders(apiKey, contactEmail);
  }

  page(query: PageQuery, options: RequestOptions): Promise<PatientPage> {
    return this.#get(`/patients?${searchOf(query)}`, options, parsePage);
  }

  // Read outside `#get`: an answer without the expected field is no outage, and a retry does not change it.
  async host(options: RequestOptions): Promise<string> {
    return readHost(await this.#get('/settings/public', options, readJson), this.#options.apiKey);
  }

  async settings(options: RequestOptions): Promise<AccountSettings> {
    return readAccountSettings(await this.#get('/settings/public', options, readJson));
  }

  async countPractitioners(options: RequestOptions): Promise<number> {
    return readPractitionerCount(await this.#get('/practitioners?per_page=1', options, readJson));
  }

  estimateWaitMs(requests: number): number {
    return this.#options.pacer.estimateMs(requests);
  }

  /** @throws ClinikoError after all retries */
  async #get<T>(path: string, options: RequestOptions, read: ReadBody<T>): Promise<T> {
    // A copy, because the breaker identifies pages by this object.
    const asking = { ...options };
    // Pages that wait for this one to succeed wait for the request limit with it.
    const paced = { ...options, onWait: (notice: WaitNotice) => this.#breaker.report(asking, notice) };
    const failed: ClinikoFailure[] = [];
    const { pacer, clock } = this.#options;
    try {
      for (;;) {
        await this.#breaker.enter(asking);
        // Outside the try block: an error of the budget is not a failure of Cliniko.
        await pacer.take(paced);
        try {
          const answer = await this.#request(path, asking, countedTries(failed) + 1, read);
          this.#breaker.answered(asking);
          return answer;
        } catch (error) {
          asking.signal.throwIfAborted();
          const failure = failureOf(error);
          failed.push(failure);
          if (isOutage(failure)) this.#breaker.failed(asking);
          else this.#breaker.answered(asking);
          const isLast = isSpent(failed) || !isWorthRetrying(failure) || asking.once === true;
          // A rate limit applies to all requests of the key, also when this one ends here.
          if (failure.kind === 'rate-limited' && !isSpent(failed)) {
            pacer.pauseUntil(pauseEnd(failure.resetAt, failed.length - countedTries(failed), clock.now()));
          }
          if (isLast) throw new ClinikoError(failure, { cause: error });
          await this.#recover(failed, asking);
        }
      }
    } finally {
      this.#breaker.leave(asking);
    }
  }

  /** @throws ClinikoError, or an error of the network */
  async #request<T>(path: string, asking: RequestOptions, tryNumber: number, read: ReadBody<T>): Promise<T> {
    const { signal, onRequest } = asking;
    const { clock, timeoutMs = TIMEOUT_MS, onAnswered } = this.#options;
    signal.throwIfAborted();
    onRequest?.();
    const limit = limitTime(timeoutMs, signal);
    const stopWatching = this.#watchForAnswer(asking, tryNumber);
    const began = performance.now();
    const answered = (outcome: RequestOutcome) => onAnswered?.(outcome, (performance.now() - began) / 1_000);
    try {
      const response = await sendGet(`${this.#baseUrl}${path}`, this.#headers, limit.signal);
      const askedAt = earlier(dateOf(response.headers), performance.now() - began);
      assertUsable(response, clock);
      const answer = read(await readBody(response), askedAt);
      answered('ok');
      return answer;
    } catch (error) {
      // In the middle of a body it would look like a connection that was cut.
      const thrown: unknown = limit.signal.aborted ? limit.signal.reason : error;
      if (!signal.aborted) answered(failureOf(thrown).kind);
      throw thrown;
    } finally {
      limit.clear();
      stopWatching();
    }
  }

  /** Reports a request that gets no response for some time. @returns a function to call when the request has ended */
  #watchForAnswer(asking: RequestOptions, tryNumber: number): () => void {
    const { clock, timeoutMs = TIMEOUT_MS } = this.#options;
    let reported: WaitNotice | undefined;
    const timer = setTimeout(() => {
      const until = new Date(clock.now() + timeoutMs - NO_ANSWER_AFTER_MS);
      reported = { until, reason: 'no-answer', try: tryNumber, maxTries: MAX_TRIES };
      this.#breaker.report(asking, reported);
    }, NO_ANSWER_AFTER_MS);
    return () => {
      clearTimeout(timer);
      if (reported !== undefined) asking.onWaitOver?.(reported);
    };
  }

  /** After a rate limit the pacer makes the next try wait. Any other failure delays only this page. */
  async #recover(failed: readonly ClinikoFailure[], asking: RequestOptions): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const failure = failed.at(-1);
    if (failure === undefined || failure.kind === 'rate-limited') return;
    const tries = countedTries(failed);
    const host = this.#breaker.isHostFailing ? 'failing' : 'normal';
    const ms = retryDelayMs(backoffMs(tries, random(), host), failure);
    if (ms >= MIN_REPORTED_WAIT_MS) {
      const until = new Date(clock.now() + ms);
      const words = failureWords(failure);
      this.#breaker.report(asking, { until, reason: 'retrying', try: tries + 1, maxTries: MAX_TRIES, words });
    }
    await clock.wait(ms, asking.signal);
  }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function assertKeepsSecret(baseUrl: string): void {
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) return;
  throw new TypeError('An API key is sent over https only, or over http to this machine.');
}

function earlier(date: Date | undefined, ms: number): Date | undefined {
  return date === undefined ? undefined : new Date(date.getTime() - ms);
}

/** Repeats `q[]` for each filter. Not every library writes it as Cliniko expects. */
function searchOf({ page, perPage, sort, filters }: PageQuery): string {
  const search = new URLSearchParams({ page: String(page), per_page: String(perPage), sort });
  for (const filter of filters) search.append('q[]', filter);
  return search.toString();
}

/** @throws ClinikoError */
function assertUsable(response: IncomingMessage, clock: Clock): void {
  const failure = failureOfStatus(response, clock);
  if (failure === undefined) return;
  // Its body may be endless, so the connection is not used again.
  response.destroy();
  throw new ClinikoError(failure);
}

/** @throws ClinikoError */
function parsePage(body: Buffer, askedAt: Date | undefined): PatientPage {
  const page = readRecords(body, 'patients');
  const envelope = WireEnvelope.safeParse(page?.envelope);
  if (page === undefined || !envelope.success) throw new ClinikoError({ kind: 'unreadable', status: 200 });
  const { total_entries, links } = envelope.data;
  return { records: page.records, totalEntries: total_entries, hasNext: links?.next !== undefined, askedAt };
}

// Like `response.json()`: TextDecoder removes a byte order mark.
const readJson = (body: Buffer): unknown => parseJson(new TextDecoder().decode(body));

function failureOfStatus(
  { statusCode: status = 0, headers }: IncomingMessage,
  clock: Clock,
): ClinikoFailure | undefined {
  if (status === 200) return undefined;
  if (status === 401) return { kind: 'unauthorised' };
  if (status === 403) return { kind: 'forbidden' };
  if (status === 429) return { kind: 'rate-limited', resetAt: rateLimitReset(headers, clock.now()) };
  if (status === 408 || status >= 500)
    return { kind: 'unavailable', status, retryAfterMs: retryAfterMs(headers, clock.now()) };
  return { kind: 'unreadable', status };
}

/** Any other error comes from the network: no connection, a broken connection, a timeout. */
function failureOf(error: unknown): ClinikoFailure {
  if (error instanceof ClinikoError) return error.failure;
  return { kind: 'unavailable', status: undefined, code: networkCode(error) };
}

/** Rejections and rate limits are responses of a working Cliniko. */
function isOutage({ kind }: ClinikoFailure): boolean {
  return kind === 'unavailable' || kind === 'unreadable';
}
