/**
 * postgres.js with our patch (patches/README.md), and the settings that every connection of ours shares.
 *
 * Without the patch a cancelled read changes the next answer, a transaction can go on outside of itself, and a password
 * leaves in plain text. So an unpatched driver is refused here, however it was installed.
 */
import postgres, { type Sql } from 'postgres';
import { ARRAY_TYPES } from './arrays.ts';

/** The options that the patch adds. */
interface PatchOptions {
  /**
   * Seconds that a query waits for the next byte of an answer. Then the query is cancelled, its connection is closed with
   * CONNECTION_SILENT, and so are the others that have been silent for as long.
   */
  answer_timeout?: number;
  /** Accept only a server that proves that it knows our password. */
  require_auth?: 'scram-sha-256';
}

/** postgres.js takes this too, and does not say so. */
interface UndocumentedOptions {
  onnotify?: (channel: string, payload: string) => void;
}

export type ConnectionOptions = postgres.Options<Record<string, never>> & PatchOptions & UndocumentedOptions;

/**
 * For pools that write: a standby, or a server that a failover left read-only, is not a place to be connected to. A URL that
 * says otherwise counts.
 */
export const toWritable = (url: string): ConnectionOptions =>
  url.includes('target_session_attrs=') ? {} : { target_session_attrs: 'read-write' };

/** Connects with the first query. */
export function connect(url: string, options: ConnectionOptions): Sql {
  const sql = postgres(url, {
    // The default back-off grows to 20 s and outlives an outage by far.
    backoff: () => 0.2,
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
    ...options,
  });
  if (!('answer_timeout' in sql.options)) {
    throw new Error('The installed PostgreSQL driver lacks the patch of this project. Run: npm run build');
  }
  return sql;
}
