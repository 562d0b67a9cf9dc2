/**
 * Parses the address of a database in each form that `psql` accepts: a URL (also with a Unix socket, or with a list of
 * hosts) or `key=value` pairs.
 *
 * The driver and `new URL` support only some of these forms, and show the password when an address is wrong. No message of
 * this file contains a part of the address that could be a secret.
 *
 * Not here: the meaning of each parameter (address-parameters.ts), TLS (tls-settings.ts).
 */
import { existsSync } from 'node:fs';
import { parseWholeNumber } from '#contract/whole-number.ts';

export interface DatabaseHost {
  /** A name, an IP address, or the folder of a Unix socket, which starts with `/`. */
  host: string;
  port: number;
  /** The IP address to connect to; the certificate must still be valid for `host`. */
  address?: string;
}

export interface DatabaseAddress {
  /** At least one. */
  hosts: readonly DatabaseHost[];
  database: string | undefined;
  user: string | undefined;
  password: string | undefined;
  /** All other parameters, unparsed. */
  parameters: ReadonlyMap<string, string>;
}

/** The address cannot be used. The message completes "DATABASE_URL …" and contains no secret. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

const DEFAULT_PORT = 5432;
const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp'];
const EXAMPLE = 'postgres://user:password@host:5432/database';

/** @throws AddressError */
export function parseAddress(text: string): DatabaseAddress {
  const address = text.trim();
  if (/^(["']).*\1$/s.test(address)) throw new AddressError('is in quotation marks: remove them');
  const scheme = /^postgres(ql)?:\/\//i.exec(address)?.[0];
  const values = scheme !== undefined ? readUrl(address.slice(scheme.length)) : readPairs(address);
  const take = (name: string): string | undefined => {
    const value = values.get(name);
    values.delete(name);
    return value === '' ? undefined : value;
  };
  const password = take('password');
  if (password !== undefined && /^[[<{]?your[-_ ]?(db[-_ ]?)?password[\]>}]?$/i.test(password)) {
    throw new AddressError('still has the placeholder for the password: write the password in its place');
  }
  return {
    hosts: readHosts(take('host'), take('port'), take('hostaddr')),
    database: take('dbname'),
    user: take('user'),
    password,
    parameters: values,
  };
}

/** @param rest the part after `postgres://` */
function readUrl(rest: string): Map<string, string> {
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(rest) ?? [];
  const at = authority.lastIndexOf('@');
  if (at === -1 && /^[^/?]*:[^@]*@/.test(rest)) {
    throw new AddressError('has a / or ? in its user or password: write / as %2F and ? as %3F');
  }
  const values = new Map<string, string>();
  readUser(authority.slice(0, Math.max(at, 0)), values);
  readAuthority(authority.slice(at + 1), values);
  readPath(path.slice(1), values);
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=');
    values.set(decode(name), decode(value.join('=')));
  }
  return values;
}

function readUser(text: string, values: Map<string, string>): void {
  const [user = '', ...password] = text.split(':');
  values.set('user', decode(user));
  values.set('password', decode(password.join(':')));
}

function readAuthority(text: string, values: Map<string, string>): void {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const one of text.split(',')) {
    const socket = decode(one);
    // The socket folder of Cloud SQL contains colons: /cloudsql/project:region:instance
    const isFolder = socket.startsWith('/') && !/^[^:]*:\d+$/.test(one);
    const parts = isFolder ? [one, socket, ''] : /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(one);
    if (parts === null) throw new AddressError(`must look like ${EXAMPLE}: it has more than one port`);
    hosts.push(decode(parts[1] ?? '').replace(/^\[(.*)\]$/, '$1'));
    ports.push(parts[2] ?? '');
  }
  values.set('host', hosts.join(','));
  values.set('port', ports.some((port) => port !== '') ? ports.join(',') : '');
}

/** The folder of Cloud SQL can also be the start of the path: `postgres://user@/cloudsql/instance/database`. */
function readPath(path: string, values: Map<string, string>): void {
  const socket = values.get('host') === '' ? /^(cloudsql\/[^/]+)\/([^/]*)$/.exec(path) : null;
  if (socket !== null) values.set('host', `/${decode(socket[1] ?? '')}`);
  values.set('dbname', decode(socket?.[2] ?? path));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new AddressError(
      'has a % without two hexadecimal digits after it: write a % of the password as %25',
      {
        cause,
      },
    );
  }
}

/** `host=/run/postgresql dbname=clinic user=sync password='it''s'`: values with spaces are quoted. */
function readPairs(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;
  let end = 0;
  for (const [all, name = '', quoted, plain] of text.matchAll(pair)) {
    values.set(name, (quoted ?? plain ?? '').replace(/\\(.)/gs, '$1'));
    end += all.length;
  }
  if (values.size === 0 || end !== text.length) throw new AddressError(`must look like ${EXAMPLE}`);
  return values;
}

/** As in libpq: lists are separated by commas, and a single port applies to all hosts. */
function readHosts(
  hosts: string | undefined,
  ports: string | undefined,
  addresses: string | undefined,
): DatabaseHost[] {
  const names = (hosts ?? process.env.PGHOST ?? addresses ?? '').split(',');
  const numbers = (ports ?? process.env.PGPORT ?? '').split(',').map(readPort);
  const ips = addresses?.split(',');
  if (numbers.length > 1 && numbers.length !== names.length) {
    throw new AddressError(
      `names ${names.length} hosts and ${numbers.length} ports: give one port, or one for each host`,
    );
  }
  if (ips !== undefined && ips.length !== names.length) {
    throw new AddressError('has hostaddr and host of different lengths: give one hostaddr for each host');
  }
  return names.map((name, index) => {
    const port = numbers[numbers.length === 1 ? 0 : index] ?? DEFAULT_PORT;
    const address = ips?.[index];
    return {
      // Cloud SQL users often give the socket file instead of its folder.
      host: name.replace(/\/\.s\.PGSQL\.\d+$/, '') || defaultHost(port),
      port,
      ...(address !== undefined && address !== '' && { address }),
    };
  });
}

function readPort(text: string): number {
  if (text.trim() === '') return DEFAULT_PORT;
  const port = parseWholeNumber(text.trim(), 1, 65_535);
  if (port !== undefined) return port;
  throw new AddressError('has a port that is not a whole number from 1 to 65535');
}

function defaultHost(port: number): string {
  return SOCKET_FOLDERS.find((folder) => existsSync(socketFile(folder, port))) ?? 'localhost';
}

/** The socket file in this folder. */
export const socketFile = (folder: string, port: number): string => `${folder}/.s.PGSQL.${port}`;

export const isSocket = ({ host }: DatabaseHost): boolean => host.startsWith('/');
