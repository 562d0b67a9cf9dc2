/**
 * postgres.js with our patch (patches/README.md), and the settings that all our connections share.
 *
 * Without the patch a cancelled read can corrupt the next answer, a transaction can continue outside its `begin`, and a
 * password can be sent in plain text. So this file rejects an unpatched driver, however it was installed.
 */
import type { Socket } from 'node:net';
import postgres, { type Sql } from 'postgres';
import { parseAddress } from './address.ts';
import { ARRAY_TYPES } from './array-types.ts';
import { type AddressOptions, addressOptions, type SessionState } from './connection-options.ts';

/** The options that the patch adds. */
interface PatchOptions {
  /**
   * Seconds that a query waits for the next byte of an answer. After that the driver cancels the query and closes its
   * connection with CONNECTION_SILENT, together with all other connections that were silent for as long.
   */
  answer_timeout?: number;
  /** Accept only a server that proves that it knows the password. */
  require_auth?: 'scram-sha-256';
}

/** Options of postgres.js that its types do not declare. */
interface UndocumentedOptions {
  socket?: () => Promise<Socket>;
  /** How many queries may follow the first one of a connection before its answer. Default: 100. */
  max_pipeline?: number;
  onnotify?: (channel: string, payload: string) => void;
}

const PROBE_TIMEOUT_S = 5;

export type ConnectionOptions = postgres.Options<Record<string, never>> & PatchOptions & UndocumentedOptions;

/**
 * For pools that write: they do not connect to a standby or to a server that a failover made read-only. A setting in the URL
 * wins.
 */
export const toWritable = (url: string): ConnectionOptions =>
  parseAddress(url).parameters.has('target_session_attrs') ? {} : { target_session_attrs: 'read-write' };

/**
 * A pooler in transaction mode gives each transaction another session. That session does not know a prepared statement. The
 * answer to a statement that follows before the end of the one before it can be lost, because the pooler has given the session
 * back by then (pgbouncer issue 759, Supavisor issue 1061).
 */
export const THROUGH_POOLER: ConnectionOptions = { prepare: false, max_pipeline: 0 };

/**
 * Connects when the first query runs.
 *
 * @param url in each form of address.ts; its settings win over the options
 * @throws AddressError
 */
export function connect(url: string, options: ConnectionOptions): Sql {
  const timeoutS = typeof options.connect_timeout === 'number' ? options.connect_timeout : undefined;
  return connectTo(addressOptions(url, timeoutS, readSessionState), options);
}

/** One connection for a few statements. @throws AddressError */
export async function withConnection<T>(
  url: string,
  options: Pick<ConnectionOptions, 'connect_timeout' | 'connection'>,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = connect(url, { max: 1, prepare: false, ...options });
  return await work(sql).finally(() => sql.end({ timeout: 1 }));
}

function connectTo(address: AddressOptions, options: ConnectionOptions): Sql {
  const sockets = trackSockets(address.socket);
  const undocumented: UndocumentedOptions = { socket: sockets.open };
  // The options contain everything that a URL could.
  const sql = postgres('postgres://', {
    // The default back-off grows to 20 s, so the driver would stay disconnected long after an outage ends.
    backoff: () => 0.2,
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
    ...options,
    ...address,
    connection: { ...options.connection, ...address.connection },
    ...undocumented,
  });
  // The newest part of the patch. Without it a patient would be sent as text that PostgreSQL rejects.
  if (!('binary_parameters' in sql.options)) {
    throw new Error('The installed PostgreSQL driver lacks the patch of this project. Run: npm run build');
  }
  const end = sql.end.bind(sql);
  sql.end = (limit) => end(limit).finally(sockets.close);
  return sql;
}

/**
 * The driver does not close a connection that is still being opened when the pool ends. That connection would stay open and
 * keep the process alive.
 */
function trackSockets(openSocket: () => Promise<Socket>) {
  const opened = new Set<Socket>();
  let isClosed = false;
  return {
    async open(): Promise<Socket> {
      const socket = await openSocket();
      opened.add(socket);
      socket.once('close', () => opened.delete(socket));
      if (isClosed) socket.destroy();
      return socket;
    },
    close(): void {
      isClosed = true;
      for (const socket of opened) socket.destroySoon();
    },
  };
}

async function readSessionState(address: AddressOptions): Promise<SessionState> {
  const sql = connectTo(address, { max: 1, prepare: false, connect_timeout: PROBE_TIMEOUT_S });
  try {
    const [state] = await sql<SessionState[]>`
      select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as "readOnly"`;
    return state ?? { standby: false, readOnly: false };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const BESIDE_IDLE_SECONDS = 2;

/**
 * An extra connection with the settings of a pool, outside its limit. It opens on the first query, and closes when it is
 * idle.
 */
export function connectSeparately(pool: Sql): Sql {
  // The driver accepts options that it has already parsed; its types name only the unparsed ones.
  const options = { ...pool.options, max: 1, idle_timeout: BESIDE_IDLE_SECONDS };
  return postgres(options as unknown as ConnectionOptions);
}
