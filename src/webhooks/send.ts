/**
 * One attempt: a POST to an address that is checked as it is connected to. Redirects are not followed, answers are not
 * read: only the status counts, and what a receiver says is nobody's to store.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { limitTime } from '../cliniko/time-limit.ts';
import { type AddressRules, ForbiddenAddressError, guardedLookup, requireAllowedHost } from './address.ts';
import { type SignedMessage, signatureHeaders } from './signature.ts';

const LIMIT_MS = 15_000;

export interface Attempt {
  /** Null when there was no answer. */
  status: number | null;
  /** Null when it arrived. A few words of ours. */
  error: string | null;
  /** What the receiver asked us to wait, in seconds. */
  retryAfter: number | null;
}

export interface SendOptions {
  rules: AddressRules;
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
  try {
    return await post(new URL(url), message.body, signatureHeaders(secret, message), options);
  } catch (error) {
    options.signal.throwIfAborted();
    return { status: null, error: wordsFor(error), retryAfter: null };
  }
}

function post(
  url: URL,
  body: string,
  signature: Record<string, string>,
  options: SendOptions,
): Promise<Attempt> {
  const { rules, signal, lookup = guardedLookup(rules) } = options;
  requireAllowedHost(url.hostname, rules);
  const headers = {
    ...signature,
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
    request.end(body);
  });
  return attempt.finally(limit.clear);
}

function attemptOf({ statusCode = 0, headers }: IncomingMessage): Attempt {
  const arrived = statusCode >= 200 && statusCode < 300;
  const seconds = Number(headers['retry-after']);
  return {
    status: statusCode,
    error: arrived ? null : `HTTP ${statusCode}`,
    retryAfter: Number.isInteger(seconds) && seconds > 0 ? seconds : null,
  };
}

/** Never the error's own words, which name addresses of ours. */
function wordsFor(error: unknown): string {
  if (error instanceof ForbiddenAddressError) return error.message;
  if (!(error instanceof Error)) return 'No connection.';
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `No answer within ${LIMIT_MS / 1_000} s.`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'The name does not resolve.';
  if (code.startsWith('CERT_') || code.includes('CERT') || code.startsWith('ERR_TLS') || code === 'EPROTO')
    return 'TLS failed: the certificate is not valid for this name.';
  return 'No connection.';
}
