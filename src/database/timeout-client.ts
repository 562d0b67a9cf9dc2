/**
 * A connection that does not wait for ever: a statement that is not answered in time gives the connection up for a new one.
 *
 * A connection whose packets are dropped on the way looks open for a quarter of an hour, and everything behind its first
 * unanswered statement would wait with it. Streams and nudges must not: they begin anew within seconds.
 */
import type { Sql } from 'postgres';
import { NoAnswerError, withinMs } from './answer-limit.ts';
import { connect, toWritable } from './driver.ts';
import { sessionSettings } from './session.ts';

export interface TimeoutClient {
  /** @throws NoAnswerError after the limit; whatever the statement itself throws */
  query<T>(work: (sql: Sql) => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
}

export interface TimeoutClientOptions {
  url: string;
  applicationName: string;
  limitMs: number;
  /** Connections at most. Default: 1. */
  max?: number;
  /** Prepared statements; not through a pooler. Default: false. */
  prepare?: boolean;
  /** Only the startup parameters that a pooler passes on. Default: true. */
  throughPooler?: boolean;
}

export function openTimeoutClient(options: TimeoutClientOptions): TimeoutClient {
  let current = open(options);
  const replace = (sql: Sql): void => {
    if (sql === current) current = open(options);
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

/** What still waits on it is rejected; a socket that nobody answers closes in its own time. */
async function destroy(sql: Sql): Promise<void> {
  await withinMs(1_000, sql.end({ timeout: 0 })).catch(() => {});
}

function open(options: TimeoutClientOptions): Sql {
  const { url, applicationName, max = 1, prepare = false, throughPooler = true, limitMs } = options;
  return connect(url, {
    ...toWritable(url),
    max,
    prepare,
    connect_timeout: Math.ceil(limitMs / 1_000),
    connection: { application_name: applicationName, ...sessionSettings({ throughPooler }) },
  });
}
