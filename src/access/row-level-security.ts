/**
 * Row-level security as a second check: reads for a principal that holds only some organizations run under policies, so
 * a statement that forgets its `where` returns no rows of other organizations.
 *
 * Routes are not aware of it. They receive a database whose `sql` and `orm` belong, during such a request, to one
 * transaction under a role of its own (database/revoke-privileges.ts). A principal that holds everything skips the extra round trips.
 *
 * Not here: the sync engine and the hub, which work for all organizations; what a stream may read (live/stream-authorization.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { PgDialect } from 'drizzle-orm/pg-core';
import { PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js';
import type { MiddlewareHandler } from 'hono';
import type { Sql, TransactionSql } from 'postgres';
import type { Database } from '../database/open.ts';
import { createPoolSlots, type PoolSlots } from '../database/pool-slots.ts';
import { ROW_SECURITY_ROLE } from '../database/revoke-privileges.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import { principalOf } from '../http/principal.ts';
import type { Logger } from '../logging/logger.ts';
import { databaseError } from '../logging/safe-error.ts';

/** A read that takes longer than this is a bug, and must not hold a connection. */
const STATEMENT_LIMIT_MS = 15_000;

/** As long as a request may take. A transaction that is idle for longer is of a request that has ended. */
const IDLE_LIMIT_MS = 30_000;

/** `role`: reads run under their own role. `none`: the role is unusable, and only the statements themselves filter. */
type IsolationKind = 'role' | 'none';

export interface RowLevelSecurity {
  readonly kind: IsolationKind;
  /** The database for the routes. */
  readonly database: Database;
  /**
   * Ends the transaction of the current request. A route calls it after its last read and before it waits for another
   * service, so that a slow service holds no connection. A later read in the same request is an error.
   */
  endReads(): void;
  /** Restricts a transaction on another connection like the reads of the current request. */
  restrict(tx: TransactionSql): Promise<unknown>;
  /** Middleware around every route that only reads. */
  restrictReads(): MiddlewareHandler;
}

type DatabaseView = Pick<Database, 'sql' | 'orm'>;

/** The restricted reads of one request. */
interface RestrictedReads {
  organizations: Iterable<number>;
  /** Undefined after `endReads`. */
  view: DatabaseView | undefined;
  end(): void;
}

/** One for all servers of a process: Node.js 20 copies each storage that was ever used to each promise, and never forgets one. */
const current = new AsyncLocalStorage<RestrictedReads>();

export async function createRowLevelSecurity(database: Database, logger: Logger): Promise<RowLevelSecurity> {
  const kind = await findKind(database, logger);
  // One connection of the pool stays free: a handler may need an unrestricted read, such as the proof of a replica, while its
  // transaction holds one. Without this, as many requests as there are connections wait for each other.
  const inTurn = createPoolSlots(Math.max(1, database.sql.options.max - 1), STATEMENT_LIMIT_MS);
  const view = (): DatabaseView => {
    const reads = current.getStore();
    if (reads === undefined) return database;
    if (reads.view === undefined) throw new Error('The reads of this request have ended.');
    return reads.view;
  };
  return {
    kind,
    // Each use finds the view of its request, also where a route took the two out of the database when it was mounted.
    database: {
      sql: new Proxy(database.sql, {
        apply: (_whole, _self, args) => Reflect.apply(view().sql, undefined, args),
        get: (_whole, key) => Reflect.get(view().sql, key),
      }),
      orm: new Proxy(database.orm, { get: (_whole, key) => Reflect.get(view().orm, key) }),
      close: database.close,
    },
    endReads: () => current.getStore()?.end(),
    async restrict(tx) {
      const reads = current.getStore();
      if (reads !== undefined) await restrict(tx, reads.organizations);
    },
    restrictReads: () => async (c, next) => {
      const { isPublic, isStream } = c.get('requirement');
      const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
      if (isPublic || isStream || !reads || kind === 'none') return next();
      const { organizations } = principalOf(c);
      if (organizations === '*') return next();
      await readRestricted(database, organizations, inTurn, (reads) => current.run(reads, next));
    },
  };
}

/** The turn ends with the transaction, which may be before the request has been handled. */
async function readRestricted(
  { sql }: Database,
  organizations: Iterable<number>,
  inTurn: PoolSlots,
  handle: (reads: RestrictedReads) => Promise<void>,
): Promise<void> {
  let handled: Promise<void> | undefined;
  const read = async (tx: TransactionSql): Promise<void> => {
    const restricted = restrict(tx, organizations);
    const ended = new Promise<void>((resolve) => {
      const reads: RestrictedReads = {
        organizations,
        view: databaseViewOf(tx, sql),
        end() {
          reads.view = undefined;
          resolve();
        },
      };
      handled = handle(reads);
    });
    await Promise.all([restricted, Promise.race([handled, ended])]);
  };
  await inTurn(() => sql.begin(read));
  await handled;
}

/** Lasts until the transaction ends. Sent before the first statement, in the same round trip; if it fails, both fail. */
export function restrict(tx: TransactionSql, organizations: Iterable<number>) {
  return tx`select set_config('role', ${ROW_SECURITY_ROLE}, true),
    set_config('patient_sync.organizations', ${`{${[...organizations].join(',')}}`}, true),
    set_config('statement_timeout', ${String(STATEMENT_LIMIT_MS)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(IDLE_LIMIT_MS)}, true)`.execute();
}

function databaseViewOf(tx: TransactionSql, whole: Sql): DatabaseView {
  const dialect = new PgDialect();
  const sql = asSql(tx, whole);
  return {
    sql,
    orm: new PostgresJsDatabase(dialect, new PostgresJsSession(sql, dialect, undefined), undefined),
  };
}

/** A transaction usable in place of a pool; a transaction begun in it is a savepoint. */
function asSql(tx: TransactionSql, whole: Sql): Sql {
  const begin = (...args: unknown[]) => Reflect.apply(tx.savepoint, tx, args.slice(-1));
  return new Proxy(whole, {
    apply: (_whole, _self, args) => Reflect.apply(tx, undefined, args),
    get: (_whole, key) => (key === 'begin' ? begin : Reflect.get(tx, key)),
  });
}

/** Tested rather than assumed: the role, the membership, the grants and the policies may each be missing. */
async function findKind({ sql }: Database, logger: Logger): Promise<IsolationKind> {
  try {
    await sql.begin(async (tx) => {
      await restrict(tx, []);
      await tx`select sync_log_row(log) from sync_logs as log, patients limit 1`;
    });
    return 'role';
  } catch (error) {
    if (isDatabaseUnavailable(error) || databaseError(error) === undefined) throw error;
  }
  const [self] = await sql<{ name: string }[]>`select format('%I', current_user) as name`;
  logger.warn(
    `Row-level security is missing: the server cannot use the role ${ROW_SECURITY_ROLE}, so only the conditions in the statements restrict the reads of a token. As a superuser: CREATE ROLE ${ROW_SECURITY_ROLE} NOLOGIN; GRANT ${ROW_SECURITY_ROLE} TO ${self?.name}; then start the server again`,
  );
  return 'none';
}
