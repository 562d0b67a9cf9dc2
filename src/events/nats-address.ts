/**
 * `NATS_URL`: the servers of one NATS cluster, and how to sign in. `nats://user:password@one:4222,nats://two:4222`; a name without
 * a password is a token; `tls://` requires an encrypted connection.
 */

export interface NatsAddress {
  /** `host:port` of each server. */
  servers: readonly string[];
  credentials: { user: string; pass: string } | { token: string } | undefined;
  requiresTls: boolean;
}

/** The start cannot continue: every retry would be rejected too. */
export class NatsCredentialsError extends Error {
  override readonly name = 'NatsCredentialsError';

  constructor(options?: ErrorOptions) {
    super('NATS rejected the credentials. Write those that the NATS servers accept into NATS_URL.', options);
  }
}

const DEFAULT_PORT = '4222';

/** @returns undefined when the text is no such address */
export function parseNatsAddress(text: string): NatsAddress | undefined {
  const urls = text.split(',').map((part) => parseOne(part.trim()));
  const [first] = urls;
  if (first === undefined || urls.some((url) => url?.protocol !== first.protocol)) return undefined;
  const known = urls.filter((url) => url !== undefined);
  const signedIn = known.find(({ username }) => username !== '');
  return {
    servers: known.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`),
    credentials: signedIn && credentialsOf(signedIn),
    requiresTls: first.protocol === 'tls:',
  };
}

function parseOne(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(nats|tls):$/.test(url.protocol) || url.hostname === '') return undefined;
  return /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' ? url : undefined;
}

function credentialsOf({ username, password }: URL): NatsAddress['credentials'] {
  const name = decode(username);
  return password === '' ? { token: name } : { user: name, pass: decode(password) };
}

/** A percent sign of a password may have been written as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
