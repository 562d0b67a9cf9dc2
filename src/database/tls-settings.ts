/**
 * The TLS part of a database address: `sslmode` and related parameters as in libpq, and the forms that other programs use.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureVersion } from 'node:tls';
import { AddressError, type DatabaseAddress } from './address.ts';

/**
 * - `offered`: no `sslmode`. Verified TLS when the server offers TLS, otherwise plain text.
 * - `prefer`: unverified TLS when the server offers TLS, otherwise plain text.
 */
type TlsMode = 'disable' | 'offered' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface TlsSettings {
  mode: TlsMode;
  /** PEM; undefined: the public authorities that Node trusts. */
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  passphrase: string | undefined;
  crl: string | undefined;
  /** Start TLS without a request for it (PostgreSQL 17). */
  direct: boolean;
  /** Send the host name in the TLS handshake (SNI). */
  sni: boolean;
  minVersion: SecureVersion | undefined;
  maxVersion: SecureVersion | undefined;
}

const MODES: Record<string, TlsMode> = {
  disable: 'disable',
  // A server that rejects TLS does not offer it, so both modes have the same result.
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
  // A value of node-postgres.
  'no-verify': 'require',
};

/** `ssl=` of node-postgres and JDBC. */
const SSL_WORDS: Record<string, TlsMode> = {
  true: 'verify-full',
  '1': 'verify-full',
  on: 'verify-full',
  false: 'disable',
  '0': 'disable',
  off: 'disable',
};

const VERSIONS: Record<string, SecureVersion> = {
  TLSv1: 'TLSv1',
  'TLSv1.1': 'TLSv1.1',
  'TLSv1.2': 'TLSv1.2',
  'TLSv1.3': 'TLSv1.3',
};

export const TLS_PARAMETERS: ReadonlySet<string> = new Set([
  'ssl',
  'sslmode',
  'sslaccept',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslcrl',
  'sslnegotiation',
  'sslsni',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'sslcompression',
  'sslcertmode',
  'sslidentity',
  'sslcrldir',
]);

const WITHOUT_MEANING: Record<string, string> = {
  sslidentity: 'write sslcert and sslkey',
  sslcrldir: 'write sslcrl',
};

/** @throws AddressError */
export function readTlsSettings({ parameters }: DatabaseAddress, warnings: string[]): TlsSettings {
  const get = (name: string): string | undefined => parameters.get(name) || undefined;
  for (const [name, reason] of Object.entries(WITHOUT_MEANING)) {
    if (get(name) !== undefined) warnings.push(`the parameter ${name} is ignored: ${reason}`);
  }
  const root = get('sslrootcert');
  const mode = readMode(get, root);
  if (mode === 'require') warnings.push(UNVERIFIED);
  const pem = (name: string): string | undefined => readPem(name, get(name));
  const certificate = (name: string): string | undefined => assertReadable(name, pem(name));
  return {
    mode,
    // As in libpq: only the given authority is trusted.
    ca: root === 'system' ? undefined : certificate('sslrootcert'),
    cert: certificate('sslcert'),
    key: pem('sslkey'),
    passphrase: get('sslpassword'),
    crl: pem('sslcrl'),
    direct: get('sslnegotiation') === 'direct',
    sni: get('sslsni') !== '0',
    minVersion: readVersion('ssl_min_protocol_version', get),
    maxVersion: readVersion('ssl_max_protocol_version', get),
  };
}

const UNVERIFIED =
  'the connection is encrypted, but the server is not verified: set DATABASE_CA to the certificate authority of the database, or sslmode=verify-full when a public authority signed its certificate';

type Get = (name: string) => string | undefined;

function readMode(get: Get, root: string | undefined): TlsMode {
  const written = get('sslmode');
  const mode = written === undefined ? modeOfOtherPrograms(get) : ownValue(MODES, written);
  if (mode === undefined) {
    throw new AddressError(
      `has a ${written === undefined ? 'ssl or sslaccept' : 'sslmode'} that is not known: sslmode may be ${Object.keys(MODES).join(', ')}`,
    );
  }
  if (root === 'system' && mode !== 'verify-full' && mode !== 'offered') {
    throw new AddressError('has sslrootcert=system, which needs sslmode=verify-full');
  }
  // As in libpq: with a certificate authority, `require` verifies the certificate.
  const isVerifying = mode === 'require' && written !== 'no-verify' && root !== undefined;
  return isVerifying ? 'verify-ca' : mode;
}

/** Without `sslmode`: the parameters of node-postgres (`ssl`) and Prisma (`sslaccept`). */
function modeOfOtherPrograms(get: Get): TlsMode | undefined {
  const accept = get('sslaccept');
  if (accept !== undefined) {
    return ownValue({ strict: 'verify-full', accept_invalid_certs: 'require' }, accept);
  }
  const ssl = get('ssl');
  if (ssl !== undefined) return ownValue(SSL_WORDS, ssl) ?? ownValue(MODES, ssl);
  return get('sslrootcert') === 'system' ? 'verify-full' : 'offered';
}

function ownValue<T>(values: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function readVersion(name: string, get: Get): SecureVersion | undefined {
  const written = get(name);
  if (written === undefined) return undefined;
  const version = ownValue(VERSIONS, written);
  if (version !== undefined) return version;
  throw new AddressError(`has a ${name} that is not known: it may be ${Object.keys(VERSIONS).join(', ')}`);
}

/** A PEM text, or the path of a PEM file. */
function readPem(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const pem = value.includes('-----BEGIN') ? value : readFile(name, value);
  if (pem.includes('-----BEGIN')) return pem;
  throw new AddressError(`has an ${shownName(name)} that is not in the PEM format`);
}

/** Node ignores an authority that it cannot read, and then reports that it cannot verify the server. */
function assertReadable(name: string, pem: string | undefined): string | undefined {
  try {
    if (pem !== undefined) new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new AddressError(
      `has an ${shownName(name)} with a certificate that cannot be read: write it with its line breaks, or name a file`,
      { cause },
    );
  }
}

function readFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AddressError(
      `names a file in ${shownName(name)} that this user cannot read: ${path.slice(0, 200)}`,
      { cause },
    );
  }
}

/** DATABASE_CA is passed as `sslrootcert` (config/database.ts). */
const shownName = (name: string): string => (name === 'sslrootcert' ? 'sslrootcert (or DATABASE_CA)' : name);
