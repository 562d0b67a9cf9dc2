/**
 * Explains why a database cannot be used, in one line that names the variable and says what to do. An SQLSTATE or a code of
 * Node never appears without an explanation.
 */
import { databaseError, errorCode } from '../logging/safe-error.ts';
import type { DatabaseHost } from './address.ts';
import { AddressError, isSocket, socketFile } from './address.ts';
import { endsSession, type Severity } from './transient-errors.ts';

/** The start cannot continue. The message is one line that says what to do, and contains no secret. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';
}

/** The variable (`DATABASE_URL`, `MIGRATE_DATABASE_URL` …) and what its address names. */
export interface NamedAddress {
  variable: string;
  hosts: readonly DatabaseHost[];
  user: string | undefined;
  database: string | undefined;
}

/** @returns undefined for an error that is not about the address, the login or the rights */
export function explainDatabaseFailure(error: unknown, address: NamedAddress): string | undefined {
  const { variable } = address;
  if (error instanceof AddressError) return `${variable} ${error.message}.`;
  const refusal = databaseError(error);
  if (refusal !== undefined) return explainRefusal(refusal, address);
  const code = errorCode(error);
  const host = address.hosts.map(showHost).join(', ');
  if (isUnverifiable(code)) {
    return `The certificate of the database at ${host} cannot be verified (${code}). Set DATABASE_CA to the certificate authority of the database (a PEM text or file), or add sslmode=require to ${variable} (or set PGSSLMODE=require) to go without verification.`;
  }
  const known = NETWORK[code];
  return known === undefined ? undefined : known(host, variable);
}

const LONGEST_MESSAGE = 200;

const again = (variable: string): string => `Check the host and the port in ${variable}`;

const NETWORK: Record<string, (host: string, variable: string) => string> = {
  ENOTFOUND: (host, variable) =>
    `The host of ${variable} is not known: ${host}. Check its name, and the DNS of this machine.`,
  EAI_AGAIN: (host, variable) =>
    `The name in ${variable} could not be looked up: ${host}. Check the DNS of this machine.`,
  ECONNREFUSED: (host, variable) =>
    `No PostgreSQL accepts connections at ${host}. ${again(variable)}, and that the database is running.`,
  ENOENT: (host, variable) =>
    `There is no Unix socket at ${host}. ${again(variable)}, and that the database is running.`,
  EACCES: (host, variable) =>
    `This user may not use the Unix socket at ${host} (${variable}). Give it the right, or run the server as another user.`,
  ECONNRESET: (host, variable) =>
    `The connection to ${host} was reset before PostgreSQL answered. ${again(variable)}, and the proxy or firewall before the database.`,
  ETIMEDOUT: (host, variable) =>
    `There is no answer from ${host}. ${again(variable)}, and that a firewall lets this machine through.`,
  CONNECT_TIMEOUT: (host, variable) =>
    `There is no answer from ${host}. ${again(variable)}, and that a firewall lets this machine through.`,
  EHOSTUNREACH: (host, variable) =>
    `${host} cannot be reached from here. ${again(variable)}, and the network of this machine.`,
  ENETUNREACH: (host, variable) =>
    `${host} cannot be reached from here (an address of IPv6 needs IPv6). ${again(variable)}, or use the address of the pooler.`,
  CONNECTION_CLOSED: (host, variable) =>
    `${host} accepts connections and closes them without an answer. Check that the database behind the proxy or tunnel of ${variable} is running.`,
  CONNECT_WRONG_SESSION: (host, variable) =>
    `No host of ${variable} (${host}) matches its target_session_attrs, or accepts writes. Check which of them is the primary.`,
  TLS_NOT_OFFERED: (host, variable) =>
    `The database at ${host} offers no TLS, and the sslmode of ${variable} asks for it. Switch TLS on there, or remove sslmode for a network that you trust.`,
  NOT_POSTGRESQL: (host, variable) => `The program at ${host} is not PostgreSQL. ${again(variable)}.`,
  PASSWORD_WITHHELD: (host, variable) =>
    `The database at ${host} asks for a password without SCRAM, so none was sent. Set password_encryption = 'scram-sha-256' there and set the password of the role in ${variable} again, or use verified TLS.`,
  SASL_SIGNATURE_MISMATCH: (host, variable) =>
    `The program at ${host} does not know the password of ${variable}: it may be another program. ${again(variable)}.`,
  DATABASE_IS_STANDBY: (host, variable) =>
    `The database at ${host} is a standby, which accepts no writes. Check that ${variable} names the primary.`,
  CONNECTION_DESTROYED: (host, variable) =>
    `The database at ${host} cannot be written to. Check that ${variable} names the primary.`,
};

/** Whether Node rejected the certificate of the other side. */
export function isUnverifiable(code: string): boolean {
  return /CERT|^UNABLE_TO_(GET|VERIFY)|^ERR_TLS_CERT/.test(code) && code !== 'ERR_TLS_CERT_ALTNAME_FORMAT';
}

interface Refusal extends Severity {
  code: string;
  message: string;
}

function explainRefusal(refusal: Refusal, address: NamedAddress): string | undefined {
  const { variable } = address;
  const { message } = refusal;
  const role = quote(address.user ?? 'the role');
  const database = quote(address.database ?? address.user ?? 'postgres');
  switch (refusal.code) {
    case '28P01':
      return `The database refused the password of role ${role}. Correct it in ${variable}; characters such as @ : / ? # % are percent-encoded there.`;
    case '28000':
      // In every language of the database the message names the file.
      return message.includes('pg_hba.conf')
        ? `The database has no entry in pg_hba.conf for role ${role} from this machine with this sslmode. Add an entry there, or add sslmode=require to ${variable}.`
        : `The database does not let role ${role} log in (${message}). Correct the user in ${variable}, or as a superuser: ALTER ROLE ${role} LOGIN`;
    case '3D000':
      return `The database ${database} does not exist. Correct the name in ${variable}, or as a superuser: CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0`;
    case '42501':
      return `Role ${role} lacks a right in database ${database} (${message}). As its owner: GRANT CONNECT, CREATE ON DATABASE ${database} TO ${role}; GRANT USAGE, CREATE ON SCHEMA public TO ${role}`;
    case '3F000':
      return `The database ${database} has no schema public. As its owner: CREATE SCHEMA public AUTHORIZATION ${role}`;
    case '53300':
      return `The database has no free connection for role ${role}. Raise max_connections there, end other sessions, or set DATABASE_POOL_MAX lower.`;
    case '57P03':
      return `The database of ${variable} is starting or stopping. Start the server again when it is up.`;
    case '55000':
      return `The database ${database} accepts no connections. As a superuser: ALTER DATABASE ${database} ALLOW_CONNECTIONS true`;
    case '53100':
      return `The disk of the database of ${variable} is full. Make room there, or enlarge it.`;
    case '53200':
      return `The database of ${variable} has too little memory (${message}). Give it more, or raise max_locks_per_transaction there.`;
    case '57014':
      return `A statement took longer than role ${role} may, or was cancelled by an administrator. As the role: ALTER ROLE ${role} SET statement_timeout = '60s'`;
    case '25006':
      return `The database of ${variable} is read-only. Use the address of the primary.`;
    case '42704':
    case '22023':
      return refusedParameter(variable);
    default:
      return endsSession(refusal) ? explainRefusedLogin(refusal, address) : undefined;
  }
}

const refusedParameter = (variable: string): string =>
  `The database refused a parameter of ${variable}, or its pooler passes none on. Remove options and timeouts from the address, or set LISTEN_DATABASE_URL to a direct connection.`;

/**
 * Poolers have few SQLSTATEs: pgbouncer says 08P01 to every login that it refuses, and Supavisor XX000. The message names the
 * role and the database, but no data of a row.
 */
function explainRefusedLogin({ code, message }: Refusal, { variable, hosts }: NamedAddress): string {
  if (/startup parameter/i.test(message)) return refusedParameter(variable);
  const host = hosts.map(showHost).join(', ');
  const words = message.replace(/\.$/, '').slice(0, LONGEST_MESSAGE);
  const tenant = /tenant/i.test(message)
    ? ' At Supabase, the user of a pooler is postgres. and the reference of the project.'
    : '';
  return `The database or the pooler at ${host} refused the connection: ${words} (SQLSTATE ${code}). Check the user, the password and the database in ${variable}, that the database behind a pooler is running, and the limits of connections there.${tenant}`;
}

function showHost(host: DatabaseHost): string {
  if (isSocket(host)) return socketFile(host.host, host.port);
  return host.host.includes(':') ? `[${host.host}]:${host.port}` : `${host.host}:${host.port}`;
}

/** Quotes a name for use in a statement. */
const quote = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
