import { Writable } from 'node:stream';
import { describe, expect } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { startServer } from '../../src/server/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';

const silent = () =>
  createLogger(
    { level: 'fatal', format: 'json', colour: false },
    new Writable({ write: (_chunk, _encoding, done) => done() }),
  );

describe('a server that cannot start', () => {
  test('leaves nothing running, wherever it failed', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    // One of the last steps.
    await sql`drop function sync_events_maintain`;
    const config = { ...readConfig({}, [], false), port: 0, databaseUrl, credentialsKey: CREDENTIALS_KEY };
    await expect(startServer(config, silent())).rejects.toThrow('sync_events_maintain');
    const sessions = () => sql`select application_name from pg_stat_activity
      where datname = current_database() and application_name like 'patient-sync%'`;
    await expect.poll(sessions).toEqual([]);
  });
});
