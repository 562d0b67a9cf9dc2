/**
 * The first connection of a start: checks that the database can be reached, accepts the login and can be used. If not, the
 * start fails with one line that says what to do. `npm run doctor` runs the same check.
 *
 * Not here: rights and tables (migrate.ts), LISTEN (events/listener.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { databaseError, errorCode } from '../logging/safe-error.ts';
import { type DatabaseHost, isSocket } from './address.ts';
import { type ConnectionSettings, readConnectionSettings } from './address-parameters.ts';
import { DatabaseStartError, explainDatabaseFailure, type NamedAddress } from './database-failure.ts';
import { withConnection } from './driver.ts';
import { isEncrypted, openSocket } from './open-socket.ts';

export interface CheckOptions {
  logger?: { warn(text: string): void } | undefined;
  /** How long to wait for a database that is starting, or for a proxy without a backend. Default: 30 s. */
  patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const OLDEST_VERSION = 140_000;

interface ServerFacts {
  version: number;
  encoding: string;
  database: string;
}

/** @throws DatabaseStartError */
export async function checkDatabase(
  variable: string,
  url: string,
  options: CheckOptions = {},
): Promise<void> {
  const { logger } = options;
  const settings = readSettings(variable, url);
  const address: NamedAddress = { variable, ...settings };
  for (const warning of settings.warnings) logger?.warn(`${variable}: ${warning}.`);
  const facts = await readFactsPatiently(url, address, options);
  if (facts.version < OLDEST_VERSION) {
    throw new DatabaseStartError(
      `The database of ${variable} is PostgreSQL ${Math.floor(facts.version / 10_000)}; this server needs 14 or newer. Upgrade it, or use another one.`,
    );
  }
  if (facts.encoding !== 'UTF8') {
    throw new DatabaseStartError(
      `The database "${facts.database}" of ${variable} has the encoding ${facts.encoding}, which cannot hold every name. Make another one and use that: CREATE DATABASE patients ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  const plain = await findPlainHost(settings);
  if (plain !== undefined) {
    logger?.warn(
      `${variable}: the database at ${plain.host} offers no TLS, so patients travel unencrypted: switch TLS on there.`,
    );
  }
}

function readSettings(variable: string, url: string): ConnectionSettings {
  try {
    return readConnectionSettings(url);
  } catch (cause) {
    const address = { variable, hosts: [], user: undefined, database: undefined };
    throw new DatabaseStartError(explainDatabaseFailure(cause, address) ?? `${variable} cannot be used.`, {
      cause,
    });
  }
}

/** Explains an error of a later step of the start, such as a migration, in the same words. */
export function withExplanation(variable: string, url: string, error: unknown): unknown {
  if (error instanceof DatabaseStartError) return error;
  const explained = explainDatabaseFailure(error, { variable, ...readSettings(variable, url) });
  return explained === undefined ? error : new DatabaseStartError(explained, { cause: error });
}

/** Waits for a database that is starting, but not for one that does not exist. */
async function readFactsPatiently(
  url: string,
  address: NamedAddress,
  options: CheckOptions,
): Promise<ServerFacts> {
  const end = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await readFacts(url);
    } catch (cause) {
      const explained = explainDatabaseFailure(cause, address);
      if (explained === undefined) throw cause;
      if (!isTemporary(cause) || performance.now() + pauseMs > end)
        throw new DatabaseStartError(explained, { cause });
      options.logger?.warn(`${explained} Trying again.`);
      await delay(pauseMs);
    }
  }
}

function isTemporary(error: unknown): boolean {
  return (
    databaseError(error)?.code === '57P03' || ['CONNECTION_CLOSED', 'ECONNRESET'].includes(errorCode(error))
  );
}

async function readFacts(url: string): Promise<ServerFacts> {
  const options = { connect_timeout: 10, connection: { application_name: 'patient-sync start' } };
  return await withConnection(url, options, async (sql) => {
    const [facts] = await sql<ServerFacts[]>`
      select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
        current_database() as database`;
    return facts ?? { version: 0, encoding: '', database: '' };
  });
}

/** @returns a remote host that offers no TLS, when the address does not require TLS */
async function findPlainHost(settings: ConnectionSettings): Promise<DatabaseHost | undefined> {
  if (settings.tls.mode !== 'offered' && settings.tls.mode !== 'prefer') return undefined;
  for (const host of settings.hosts) {
    if (isSocket(host) || isLoopback(host.address ?? host.host)) continue;
    const socket = await openSocket(host, settings).catch(() => undefined);
    if (socket === undefined) continue;
    socket.destroy();
    if (!isEncrypted(socket)) return host;
  }
  return undefined;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');
