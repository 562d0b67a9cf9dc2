/**
 * One attempt: a POST to an address that is checked when the socket connects. Redirects are not followed and response
 * bodies are not read: only the status counts, and no text of a receiver is stored.
 *
 * Clients can read the outcome. So a refused address, a name that does not resolve and a host that does not answer have
 * one text, and none of them is reported sooner than `REFUSAL_MS`.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { limitTime } from '../timing/time-limit.ts';
import { type SignedMessage, signatureHeaders } from './signature.ts';
import { guardedLookup, requireAllowedUrl, type SsrfRules } from './ssrf-guard.ts';

const LIMIT_MS = 15_000;
/** Longer than nearly every lookup takes: the time of a refusal does not tell whether an internal name exists. */
const REFUSAL_MS = 1_000;

export interface Attempt {
  /** Null when there was no answer. */
  status: number | null;
  /** A short text of this server; null when the message arrived. */
  error: string | null;
  /** The delay that the receiver requested, in seconds. */
  retryAfter: number | null;
  /** No later attempt can succeed. */
  isFinal?: true;
}

export interface SendOptions {
  rules: SsrfRules;
  signal: AbortSignal;
  /** Default: the system's names. */
  lookup?: ReturnType<typeof guardedLookup>;
}

/** @throws the signal's reason when it is aborted; everything else is an attempt that failed */
export async function sendWebhook(
  url: string,
  secret: string,
  message: SignedMessage,
  options: SendOptions,
): Promise<Attempt> {
  return sendJson(url, message.body, signatureHeaders(secret, message), options);
}

/** Statuses with which a chat service says that the message, or the address, will never be taken. */
const CHAT_REFUSALS: Record<number, string> = {
  400: 'the service refused the message',
  401: 'the service refused the address; create another incoming webhook there',
  403: 'the service refused the address; create another incoming webhook there',
  404: 'the service does not know the address; create another incoming webhook there',
  405: 'the address is not an incoming webhook of the service',
  413: 'the service refused the message',
};

/** To Slack, Teams or Discord, whose address is the secret. */
export async function sendChatMessage(url: string, body: string, options: SendOptions): Promise<Attempt> {
  const attempt = await sendJson(url, body, {}, options);
  const refusal = CHAT_REFUSALS[attempt.status ?? 0];
  return refusal === undefined
    ? attempt
    : { ...attempt, error: `HTTP ${attempt.status}: ${refusal}.`, isFinal: true };
}

async function sendJson(
  url: string,
  body: string,
  headers: Record<string, string>,
  options: SendOptions,
): Promise<Attempt> {
  const startedAt = performance.now();
  try {
    return await post(new URL(url), body, headers, options);
  } catch (error) {
    const rest = REFUSAL_MS - (performance.now() - startedAt);
    if (rest > 0) await delay(rest, undefined, { signal: options.signal }).catch(() => {});
    options.signal.throwIfAborted();
    return { status: null, error: errorText(error), retryAfter: null };
  }
}

function post(url: URL, body: string, more: Record<string, string>, options: SendOptions): Promise<Attempt> {
  const { rules, signal, lookup = guardedLookup(rules) } = options;
  requireAllowedUrl(url, rules);
  const headers = {
    ...more,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'PatientSync-Webhooks',
  };
  const limit = limitTime(LIMIT_MS, signal);
  // No agent: a connection that is kept could not be checked again.
  const settings = { method: 'POST', headers, lookup, agent: false as const, signal: limit.signal };
  const attempt = new Promise<Attempt>((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      resolve(attemptOf(response));
      response.destroy();
    };
    const request: ClientRequest =
      url.protocol === 'https:'
        ? httpsRequest(url, settings, answered)
        : httpRequest(url, settings, answered);
    request.on('error', reject);
    // Node ends a request whose receiver switches protocols (101) without an error, and then no time limit reaches it.
    request.on('close', () => reject(new Error('The connection closed without an answer.')));
    request.end(body);
  });
  return attempt.finally(limit.clear);
}

/** The statuses whose `Retry-After` is a delay of the next attempt (RFC 9110, RFC 6585). */
export const ASKS_FOR_DELAY: ReadonlySet<number> = new Set([429, 503]);

function attemptOf({ statusCode = 0, headers }: IncomingMessage): Attempt {
  const arrived = statusCode >= 200 && statusCode < 300;
  return {
    status: statusCode,
    error: arrived ? null : `HTTP ${statusCode}`,
    retryAfter: ASKS_FOR_DELAY.has(statusCode) ? readRetryAfter(headers['retry-after']) : null,
  };
}

/** Seconds, which some services write with a fraction, or a date (RFC 9110, 10.2.3). */
export function readRetryAfter(header = '', now = Date.now()): number | null {
  const seconds = /^\d+(?:\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return seconds > 0 && Number.isFinite(seconds) ? Math.ceil(seconds) : null;
}

const NO_CONNECTION = 'No connection: the host has no public address, or does not answer.';

/** Never the text of the error, which names internal addresses. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return NO_CONNECTION;
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `No answer within ${LIMIT_MS / 1_000} s.`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.includes('CERT') || code.startsWith('ERR_TLS') || code === 'EPROTO')
    return 'TLS failed: the certificate is not valid for this name.';
  return NO_CONNECTION;
}
