/**
 * One GET request to Cliniko, over a connection that is kept for the next one.
 *
 * Not with `fetch`: it takes twice the processor time for a page of 200 kB, and copies each part of it
 * (docs/decisions/0147-pages-without-fetch.md). Redirects are not followed.
 */
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { ENCODINGS } from './response-body.ts';

/** TLS included. An address behind a firewall that drops packets would use up the time limit of the request. */
const CONNECT_LIMIT_MS = 10_000;

/**
 * @param signal also ends the body, whose error is then that of a cut connection
 * @returns the response, whose body must be read or destroyed
 * @throws the signal's reason when it is aborted; errors of the network
 */
export async function sendGet(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isTls = url.startsWith('https:');
  const settings = { headers: { ...headers, 'accept-encoding': ENCODINGS }, signal };
  return new Promise((resolve, reject) => {
    const request = isTls ? httpsGet(url, settings, resolve) : httpGet(url, settings, resolve);
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    // A server that switches protocols (101) ends the request without an error.
    request.on('close', () => reject(new ConnectionError('ECONNRESET')));
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => request.destroy(new ConnectionError('ETIMEDOUT')), CONNECT_LIMIT_MS);
      socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(timer));
      socket.once('close', () => clearTimeout(timer));
    });
  });
}

class ConnectionError extends Error {
  /** As the system names it. */
  readonly code: string;

  constructor(code: 'ECONNRESET' | 'ETIMEDOUT') {
    super(code);
    this.code = code;
  }
}
