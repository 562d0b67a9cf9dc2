/** Requests of the command line to a running server. */

import { terminalText } from '../logging/terminal-text.ts';

/** Where a server is, and how it knows us. */
export interface Server {
  url: string;
  token?: string | undefined;
}

/** The server refused; the message says why, in its own words. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export function authorization({ token }: Server): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/**
 * @param path below `/api/v1/cliniko`
 * @throws RefusedError when asking again would not help; any other error is a server that is away for a moment
 */
export async function request(server: Server, path: string, init: RequestInit): Promise<Response> {
  const headers = authorization(server);
  const response = await fetch(`${server.url}/api/v1/cliniko${path}`, { ...init, headers });
  if (response.ok) return response;
  const text = await response.text();
  const isAway = response.status >= 500 || response.status === 429;
  if (isAway) throw new Error(`The server answered ${response.status}.`);
  throw new RefusedError(detailOf(text) ?? `The server answered ${response.status}.`);
}

/** A first request that found nobody, told as a person needs it. */
export function nobodyAnswers(server: Server, cause: unknown): Error {
  return new Error(`No server answers at ${server.url}. Start one: npm start`, { cause });
}

function detailOf(text: string): string | undefined {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return undefined;
    return terminalText(String(problem.detail));
  } catch {
    return undefined;
  }
}
