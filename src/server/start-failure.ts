/** The error message of a failed start, for `npm start` and `npm run demo`. */
import { ConfigError } from '../config/rules.ts';
import { DatabaseStartError } from '../database/database-failure.ts';
import { UnknownReaderError } from '../database/roles.ts';
import { SessionSettingsError } from '../database/session.ts';
import { EmbeddedDatabaseError } from '../embedded-postgres/error.ts';
import { NatsCredentialsError } from '../events/nats-address.ts';
import { safeError } from '../logging/safe-error.ts';
import { terminalText } from '../logging/terminal-text.ts';

/**
 * @param what begins the line of a failure that has no words of its own
 * @returns one line for the person who started the server, safe to show on a terminal; a PostgreSQL of our own adds its log
 */
export function explainStartFailure(error: unknown, what = 'The server did not start'): string {
  // The end of a log has several lines.
  const lines = error instanceof EmbeddedDatabaseError ? error.message.split('\n') : [explain(error, what)];
  return lines.map(terminalText).join('\n');
}

function explain(error: unknown, what: string): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof SessionSettingsError || error instanceof UnknownReaderError) return error.message;
  if (error instanceof DatabaseStartError || error instanceof NatsCredentialsError) return error.message;
  if (!(error instanceof Error)) return `${what}.`;
  if ('syscall' in error && LISTENING.has(String(error.syscall))) return explainListening(error);
  const { error: name, sqlstate } = safeError(error);
  if (name.startsWith('PostgresError'))
    return `${what}: the database refused a statement (SQLSTATE ${sqlstate}). Run npm run doctor: it checks the rights and the settings of DATABASE_URL.`;
  return `${what}: ${error.message}`;
}

const LISTENING = new Set(['listen', 'getaddrinfo']);

interface ListenError extends Error {
  code?: unknown;
  port?: unknown;
  address?: unknown;
  /** Of a name that has no address. */
  hostname?: unknown;
}

function explainListening({ code, port, address, hostname }: ListenError): string {
  switch (code) {
    case 'EADDRINUSE':
      return `PORT is taken by another program; it was "${port}". Set PORT to another one, or to 0 for any free port.`;
    case 'EACCES':
      return `PORT may not be used by this user: ports below 1024 belong to root; it was "${port}". Set PORT to 1024 or more, such as 8000.`;
    case 'EADDRNOTAVAIL':
      return `HOST is no address of this machine; it was "${address}". Set HOST to 127.0.0.1, or to 0.0.0.0 for every address of it.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST is a name that is not known on this machine; it was "${hostname}". Set HOST to an address, such as 127.0.0.1 or 0.0.0.0.`;
    default:
      return `The server cannot listen on HOST and PORT (${code}). Set them to an address of this machine and a free port.`;
  }
}
