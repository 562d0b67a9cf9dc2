/** Why a server did not start, in words: for `npm start` and `npm run demo` alike. */
import { ConfigError } from './config/rules.ts';
import { EmbeddedDatabaseError } from './database/embedded-error.ts';
import { ForeignPatientsError } from './database/foreign-patients.ts';
import { SessionSettingsError } from './database/session.ts';
import { safeError } from './logging/safe-error.ts';
import { terminalText } from './logging/terminal-text.ts';

/** @returns one line for the person who started the server, safe to show on a terminal */
export function explainStartFailure(error: unknown): string {
  return terminalText(explain(error));
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EmbeddedDatabaseError) return error.message;
  if (error instanceof ForeignPatientsError || error instanceof SessionSettingsError) return error.message;
  if (!(error instanceof Error)) return 'The server did not start.';
  if ('code' in error && error.code === 'EADDRINUSE') {
    return 'PORT is taken by another program. Set PORT to another one, or to 0 for any free port.';
  }
  const { error: name, sqlstate } = safeError(error);
  if (name.startsWith('PostgresError'))
    return `The database refused to work with us (SQLSTATE ${sqlstate}). Look at DATABASE_URL.`;
  return `The server did not start: ${error.message}`;
}
