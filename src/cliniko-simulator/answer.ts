/** Answers before they are sent: status, headers, and a complete body. */
import type { Behaviour } from './behaviour.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';

export function json(status: number, body: unknown): Answer {
  return { status, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body) };
}

/** JSON that is already encoded. */
export function jsonText(body: Buffer): Answer {
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body };
}

export function html(status: number, words: string): Answer {
  const head = `<head><title>${words}</title></head>`;
  const body = `<!DOCTYPE html>\n<html>${head}<body><h1>${words}</h1></body></html>\n`;
  return { status, headers: { 'content-type': HTML_TYPE }, body };
}

/** Cliniko's answers besides JSON are not known; a gateway or an error page is likely. */
export function failure(status: number, behaviour: Behaviour): Answer {
  if (behaviour.errorBody === 'empty') return { status, headers: {}, body: '' };
  return html(status, `${status} ${status === 404 ? 'Not Found' : status === 403 ? 'Forbidden' : 'Error'}`);
}

export function accessDenied(): Answer {
  const headers = { 'content-type': HTML_TYPE, 'www-authenticate': 'Basic realm="Application"' };
  return { status: 401, headers, body: 'HTTP Basic: Access denied.\n' };
}

/** @param reset the value of `X-RateLimit-Reset`; undefined leaves it out */
export function tooManyRequests(reset: string | undefined, retryAfterSeconds?: number): Answer {
  const headers = {
    ...(reset === undefined ? {} : { 'x-ratelimit-reset': reset }),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }),
  };
  return { status: 429, headers, body: '' };
}
