/**
 * postgres.js with our patch (patches/README.md), and the settings that every connection of ours shares.
 *
 * Without the patch a cancelled read changes the next answer, a transaction can go on outside of itself, and a password
 * leaves in plain text. So an unpatched driver is refused here, however it was installed.
 */
import type { Socket } from 'node:net';
import postgres, { type Sql } from 'postgres';
import { ARRAY_TYPES } from './array-types.ts';
import { type AddressOptions, addressOptions, type SessionState } from './connection-options.ts';

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

/** postgres.js takes these too, and does not say so. */
interface UndocumentedOptions {
  socket?: () => Promise<Socket>;
  onnotify?: (channel: string, payload: string) => void;
}

const PROBE_TIMEOUT_S = 5;

export type ConnectionOptions = postgres.Options<Record<string, never>> & PatchOptions & UndocumentedOptions;

/**
 * For pools that write: a standby, or a server that a failover left read-only, is not a place to be connected to. A URL that
 * says otherwise counts.
 */
export const toWritable = (url: string): ConnectionOptions =>
  url.includes('target_session_attrs=') ? {} : { target_session_attrs: 'read-write' };

/**
 * Connects with the first query.
 *
 * @param url in each form of address.ts; what it says wins over the options
 * @throws AddressError
 */
export function connect(url: string, options: ConnectionOptions): Sql {
  const timeoutS = typeof options.connect_timeout === 'number' ? options.connect_timeout : undefined;
  return connectTo(addressOptions(url, timeoutS, readSessionState), options);
}

function connectTo(address: AddressOptions, options: ConnectionOptions): Sql {
  const sockets = trackSockets(address.socket);
  const undocumented: UndocumentedOptions = { socket: sockets.open };
  // The options say all that a URL could say.
  const sql = postgres('postgres://', {
    // The default back-off grows to 20 s and outlives an outage by far.
    backoff: () => 0.2,
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
    ...options,
    ...address,
    connection: { ...options.connection, ...address.connection },
    ...undocumented,
  });
  if (!('answer_timeout' in sql.options)) {
    throw new Error('The installed PostgreSQL driver lacks the patch of this project. Run: npm run build');
  }
  const end = sql.end.bind(sql);
  sql.end = (limit) => end(limit).finally(sockets.close);
  return sql;
}

/** The driver forgets a connection that is still being opened when the pool ends. It would stay open, and the process with it. */
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

/** One more connection like those of a pool, not counted in it. It opens when it is needed, and closes when it is idle. */
export function connectBeside(pool: Sql): Sql {
  // The driver takes options that it has parsed as they are; its types name the unparsed ones only.
  const options = { ...pool.options, max: 1, idle_timeout: BESIDE_IDLE_SECONDS };
  return postgres(options as unknown as ConnectionOptions);
}
