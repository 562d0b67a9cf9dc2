/** Requests of the command line to a running server. */
import { readFileSync } from 'node:fs';
import { parseJson } from '#contract/parse-json.ts';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { isUnverifiable } from '../database/database-failure.ts';
import { errorCode } from '../logging/safe-error.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { CommandError, UsageError } from './arguments.ts';

/** The address of a server, and the token for it. */
export interface Server {
  url: string;
  token?: string | undefined;
  /** Where the token came from, for messages: `--token`, or the name of a variable. */
  tokenSource?: string | undefined;
}

/** The server refused the request; the message is the server's reason. */
export class RefusedError extends CommandError {
  override readonly name = 'RefusedError';
}

/** Options of every command that talks to a server. */
export const SERVER_OPTIONS = { url: { type: 'string' }, token: { type: 'string' } } as const;

export const SERVER_USAGE = `  --url URL      the server; default PATIENT_SYNC_URL, else this machine, at PORT (8000) and BASE_PATH
  --token TOKEN  better not on the command line, where other users see it: set PATIENT_SYNC_TOKEN or PATIENT_SYNC_TOKEN_FILE`;

/**
 * Options win over the environment.
 *
 * @param variables with the address; the first one that is set counts
 * @throws UsageError
 */
export function readServer(
  options: { url?: string | undefined; token?: string | undefined },
  variables: readonly string[] = ['PATIENT_SYNC_URL'],
): Server {
  const variable = variables.find((name) => process.env[name]) ?? '';
  const source = options.url === undefined ? variable : '--url';
  const url = options.url ?? process.env[variable] ?? addressHere(process.env);
  if (!isServerUrl(url)) {
    throw new UsageError(
      `${source} must be the http or https address of a server, such as http://localhost:8000, without a user name, a password or a query.`,
    );
  }
  const { token, tokenSource } = readToken(options.token);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError(`${tokenSource} must hold a token: one word of printable characters.`);
  }
  return { url: url.replace(/\/+$/, ''), token, tokenSource };
}

/** Beside a server, as in a shell of its container, its variables are set. */
function addressHere({ PORT, BASE_PATH = '' }: NodeJS.ProcessEnv): string {
  return `http://localhost:${parseWholeNumber(PORT ?? '', 1, 65_535) ?? 8000}${encodeURI(BASE_PATH)}`;
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}

function readToken(option: string | undefined): Omit<Server, 'url'> {
  if (option !== undefined) return { token: option, tokenSource: '--token' };
  if (process.env.PATIENT_SYNC_TOKEN) {
    return { token: process.env.PATIENT_SYNC_TOKEN, tokenSource: 'PATIENT_SYNC_TOKEN' };
  }
  const file = process.env.PATIENT_SYNC_TOKEN_FILE;
  if (!file) return {};
  try {
    return { token: readFileSync(file, 'utf8').trim(), tokenSource: 'PATIENT_SYNC_TOKEN_FILE' };
  } catch (cause) {
    throw new UsageError('PATIENT_SYNC_TOKEN_FILE must be the path of a file that this user can read.', {
      cause,
    });
  }
}

function authorization({ token }: Server): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** A response that is not a stream must begin within this time, or the server counts as unavailable. */
const ANSWER_WITHIN_MS = 15_000;

/**
 * @param path below `/api/v1`
 * @throws RefusedError when asking again would not help; any other error is a server that is away for a moment
 */
export async function request(server: Server, path: string, init: RequestInit): Promise<Response> {
  const headers = authorization(server);
  const signal = init.signal ?? AbortSignal.timeout(ANSWER_WITHIN_MS);
  // A redirect would drop the token, and make a GET of a POST.
  const response = await fetch(`${server.url}/api/v1${path}`, {
    ...init,
    signal,
    headers,
    redirect: 'manual',
  });
  if (response.ok) return response;
  if (response.headers.has('location')) throw redirected(response);
  const text = await response.text();
  const isAway = response.status >= 500 || response.status === 429;
  if (isAway) throw new ServerAwayError(`The server answered ${response.status}.`);
  if (response.status === 401) throw notAuthenticated(server);
  throw new RefusedError(detailOf(text) ?? `The server answered ${response.status}.`);
}

/** A request that is made only for its status. */
export interface Question {
  path: string;
  init: RequestInit;
}

/** Before a command follows a server that may go away later. @throws CommandError when none answers, or it refuses */
export async function requireServer(server: Server, { path, init }: Question): Promise<void> {
  const response = await request(server, path, init).catch((cause: unknown) => {
    throw explainFirstFailure(server, cause);
  });
  await response.body?.cancel();
}

/** @returns undefined when the server does not refuse, or does not answer */
export async function refusalOf(server: Server, { path, init }: Question): Promise<RefusedError | undefined> {
  try {
    const response = await request(server, path, init);
    await response.body?.cancel();
  } catch (error) {
    if (error instanceof RefusedError) return error;
  }
  return undefined;
}

/** The server is reachable, but temporarily cannot answer. */
class ServerAwayError extends Error {
  override readonly name = 'ServerAwayError';
}

/** Most often a proxy that leads from http to https. */
function redirected({ url, headers }: Response): RefusedError {
  const [{ origin }, there] = [new URL(url), headers.get('location') ?? ''];
  return new RefusedError(
    `${origin} redirects to ${URL.canParse(there, url) ? shownTarget(new URL(there, url), origin) : 'another address'}. Set --url or PATIENT_SYNC_URL to the address that answers itself.`,
  );
}

/** Within the same host the path shows where it leads, such as the sign-in of a proxy. */
function shownTarget({ origin, pathname }: URL, from: string): string {
  return terminalText(origin === from ? `${origin}${pathname}` : origin);
}

function notAuthenticated({ url, tokenSource }: Server): RefusedError {
  const how = 'npm run tokens -- create makes one';
  return new RefusedError(
    tokenSource === undefined
      ? `The server at ${url} needs a token (401): set PATIENT_SYNC_TOKEN or PATIENT_SYNC_TOKEN_FILE; ${how}.`
      : `The server at ${url} does not accept the token of ${tokenSource} (401): it is unknown, expired or revoked; ${how}.`,
  );
}

/** The message for a first request that failed. */
export function explainFirstFailure(server: Server, cause: unknown): Error {
  if (cause instanceof CommandError) return cause;
  const { url } = server;
  if (cause instanceof ServerAwayError) {
    return new CommandError(`${cause.message} It is at ${url}; try again in a moment.`, { cause });
  }
  const isNetwork =
    cause instanceof TypeError || (cause instanceof Error && /^(Timeout|Abort)Error$/.test(cause.name));
  const code = errorCode(cause);
  if (isUnverifiable(code)) {
    return new CommandError(
      `The certificate of ${url} cannot be verified (${code}). Set NODE_EXTRA_CA_CERTS to the file of its certificate authority, or correct --url or PATIENT_SYNC_URL.`,
      { cause },
    );
  }
  if (isNetwork || isSocketError(cause)) {
    return new CommandError(`No server answers at ${url}. Start one: npm start`, { cause });
  }
  return new CommandError(
    `The program at ${url} is not a Patient Sync server, or is one of another version. Check --url or PATIENT_SYNC_URL.`,
    { cause },
  );
}

const isSocketError = (error: unknown): boolean =>
  error === undefined || (error instanceof Error && 'code' in error && typeof error.code === 'string');

function detailOf(text: string): string | undefined {
  const problem = parseJson(text);
  if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return undefined;
  return terminalText(String(problem.detail));
}
