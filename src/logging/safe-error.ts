/**
 * Errors without their messages, which can hold patient data, so that they are safe to log.
 *
 * drizzle's query error prints every parameter, and Postgres' `detail` can hold a whole row. So of a database error only
 * SQLSTATE, table, column and constraint are logged; of any other error its name and where it was thrown.
 */
import postgres from 'postgres';

export interface SafeError {
  error: string;
  sqlstate?: string;
  table?: string;
  column?: string;
  constraint?: string;
  at?: string[];
}

export function safeError(error: unknown): SafeError {
  const database = databaseError(error);
  if (database !== undefined) {
    return {
      error: 'PostgresError',
      sqlstate: database.code,
      ...(database.table_name && { table: database.table_name }),
      ...(database.column_name && { column: database.column_name }),
      ...(database.constraint_name && { constraint: database.constraint_name }),
    };
  }
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: [error.name, errorCode(error)].filter(Boolean).join(' '), at: frames(error) };
}

/** `ECONNREFUSED`, `CONNECTION_CLOSED` …: of the error itself, or of what caused it; empty when there is none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return errorCode(error.cause);
}

/** The driver's error itself, or the one that drizzle wrapped. */
export function databaseError(error: unknown): postgres.PostgresError | undefined {
  if (error instanceof postgres.PostgresError) return error;
  return error instanceof Error && error.cause !== undefined ? databaseError(error.cause) : undefined;
}

/** The stack begins with the message, whose lines may look like frames. */
function frames({ message, stack = '' }: Error): string[] {
  const at = stack.indexOf(message);
  if (at === -1) return [];
  const lines = stack
    .slice(at + message.length)
    .split('\n')
    .map((line) => line.trim());
  return lines.filter((line) => /^at .+:\d+:\d+\)?$/.test(line)).slice(0, 8);
}
