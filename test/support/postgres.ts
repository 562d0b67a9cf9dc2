/**
 * postgres.js as the tests use it.
 *
 * Without `fetch_types`, as in `src/database/array-types.ts`: a connection that is cut just while it asks for them rejects a
 * promise that nobody holds, and Vitest counts that against the whole run. Tests cut connections all day. So there is no
 * `reserve()` either, which waits for ever without it: one connection alone begins and commits by plain statements.
 */
import postgres, { type Sql } from 'postgres';
import { ARRAY_TYPES } from '../../src/database/array-types.ts';

export interface Connecting {
  /** Connections at most; one unless told. */
  max?: number;
  /** Seconds before the next attempt after a failed one. */
  backoff?: () => number;
  /** Seconds for one attempt. */
  connect_timeout?: number;
  prepare?: boolean;
}

/** To be closed by the caller. */
export function connectPostgres(url: string, options: Connecting = {}): Sql {
  return postgres(url, { max: 1, onnotice: () => {}, fetch_types: false, types: ARRAY_TYPES, ...options });
}

/** The SQLSTATE that PostgreSQL refused with. */
export function refusalOf(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.code : undefined;
}

/** A refusal as PostgreSQL sends it, for code that judges errors. */
export const refusal = (fields: { code: string; severity?: string }): Error =>
  Object.assign(new postgres.PostgresError('x'), { severity: 'ERROR', ...fields });
