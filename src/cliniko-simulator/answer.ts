/** Answers before they are sent: a status, headers, and a body that is complete. */
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

/** JSON that is encoded already. */
export function jsonText(body: Buffer): Answer {
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body };
}

export function html(status: number, words: string): Answer {
  const head = `<head><title>${words}</title></head>`;
  const body = `<!DOCTYPE html>\n<html>${head}<body><h1>${words}</h1></body></html>\n`;
  return { status, headers: { 'content-type': HTML_TYPE }, body };
}

/** What Cliniko answers besides JSON is not known; a gateway or an error page is likely. */
export function failure(status: number, behaviour: Behaviour): Answer {
  if (behaviour.errorBody === 'empty') return { status, headers: {}, body: '' };
  return html(status, `${status} ${status === 404 ? 'Not Found' : status === 403 ? 'Forbidden' : 'Error'}`);
}

export function accessDenied(): Answer {
  const headers = { 'content-type': HTML_TYPE, 'www-authenticate': 'Basic realm="Application"' };
  return { status: 401, headers, body: 'HTTP Basic: Access denied.\n' };
}

/** @param reset as `X-RateLimit-Reset` is to read; undefined leaves it out */
export function tooManyRequests(reset: string | undefined, retryAfterSeconds?: number): Answer {
  const headers = {
    ...(reset === undefined ? {} : { 'x-ratelimit-reset': reset }),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }),
  };
  return { status: 429, headers, body: '' };
}
