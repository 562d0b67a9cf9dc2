/**
 * postgres.js for tests.
 *
 * Without `fetch_types`, as in `src/database/array-types.ts`: a connection that is cut during that query leaves an unhandled
 * rejection, and Vitest then fails the whole run. Tests cut connections often. So `reserve()` is not used either, because it
 * never returns without `fetch_types`: a single connection begins and commits with plain statements.
 */
import postgres, { type Sql } from 'postgres';
import { ARRAY_TYPES } from '../../src/database/array-types.ts';

export interface Connecting {
  /** The maximum number of connections; default 1. */
  max?: number;
  /** Seconds before the next attempt after a failed one. */
  backoff?: () => number;
  /** Seconds for one attempt. */
  connect_timeout?: number;
  prepare?: boolean;
  /** TLS without verification. */
  ssl?: 'require';
  /** A Unix socket, instead of the host of the address. */
  path?: string;
  /** Seconds without a query before a connection closes. Default: never. */
  idle_timeout?: number;
}

/** The caller closes it. */
export function connectPostgres(url: string, options: Connecting = {}): Sql {
  return postgres(url, { max: 1, onnotice: () => {}, fetch_types: false, types: ARRAY_TYPES, ...options });
}

/** The SQLSTATE of an error from PostgreSQL. */
export function refusalOf(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.code : undefined;
}

/** An error as PostgreSQL sends it, for code that classifies errors. */
export const refusal = (fields: { code: string; severity?: string; message?: string }): Error =>
  Object.assign(new postgres.PostgresError('x'), { severity: 'ERROR', ...fields });
