/**
 * A connection with a time limit: when a statement is not answered in time, a new connection replaces the old one.
 *
 * A connection whose packets are dropped looks open for a quarter of an hour, and everything behind its first unanswered
 * statement waits as long. Streams and nudges need a new connection within seconds.
 */
import type { Sql } from 'postgres';
import { NoAnswerError, withinMs } from './answer-limit.ts';
import { connect, THROUGH_POOLER, toWritable } from './driver.ts';
import { type SessionSettings, sessionSettings } from './session.ts';

export interface TimeoutClient {
  /** @throws NoAnswerError after the limit, or the error of the statement */
  query<T>(work: (sql: Sql) => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
}

export interface TimeoutClientOptions {
  url: string;
  applicationName: string;
  limitMs: number;
  /** The maximum number of connections. Default: 1. */
  max?: number;
  /** Whether statements are prepared; not possible through a pooler. Default: false. */
  prepare?: boolean;
  /** Sends what a pooler accepts: `THROUGH_POOLER`. Default: true. */
  throughPooler?: boolean;
  /** Of the address (`pinSession`). Default: not through a pooler. */
  takesParameters?: boolean;
  /** Settings besides those of every session, for an address that takes parameters. */
  settings?: SessionSettings;
  /** Only reads run on it, so a standby will do. Default: false. */
  mayBeStandby?: boolean;
}

export function openTimeoutClient(options: TimeoutClientOptions): TimeoutClient {
  let current = open(options);
  const replace = (sql: Sql): void => {
    // Another statement on it was not answered either.
    if (sql !== current) return;
    current = open(options);
    void destroy(sql);
  };
  return {
    async query(work) {
      const sql = current;
      try {
        return await withinMs(options.limitMs, work(sql));
      } catch (error) {
        if (error instanceof NoAnswerError) replace(sql);
        throw error;
      }
    },
    close: () => destroy(current),
  };
}

/** Rejects pending statements; a socket without an answer closes later. */
async function destroy(sql: Sql): Promise<void> {
  await withinMs(1_000, sql.end({ timeout: 0 })).catch(() => {});
}

function open(options: TimeoutClientOptions): Sql {
  const { url, applicationName, max = 1, prepare = false, throughPooler = true, limitMs } = options;
  const { mayBeStandby = false, takesParameters = !throughPooler, settings } = options;
  return connect(url, {
    ...(mayBeStandby ? {} : toWritable(url)),
    ...(throughPooler && THROUGH_POOLER),
    max,
    prepare,
    connect_timeout: Math.ceil(limitMs / 1_000),
    connection: {
      application_name: applicationName,
      ...sessionSettings({ takesParameters }),
      ...(takesParameters && settings),
    },
  });
}
