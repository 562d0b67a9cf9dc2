/** The server as the benchmarks start it: on a given database, any free port, without logs. */
import { Writable } from 'node:stream';
import { type Config, readConfig } from '../src/config/config.ts';
import { createLogger, type Logger } from '../src/logging/logger.ts';

export const CREDENTIALS_KEY = Buffer.alloc(32, 1);

/** @param more additional environment variables */
export function productConfig(databaseUrl: string, more: Record<string, string> = {}): Config {
  const environment = {
    PORT: '0',
    DATABASE_URL: databaseUrl,
    CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'),
    // All clients of a benchmark are one principal with one organization.
    LIMIT_STREAMS_PER_TOKEN: '20000',
    LIMIT_STREAMS_PER_ORGANIZATION: '20000',
    ...more,
  };
  return readConfig(environment, [], false);
}

export function silentLogger(): Logger {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return createLogger({ level: 'fatal', format: 'json', colour: false }, nowhere);
}
