/** `npm run db:migrate`: brings the configured database to the newest schema, as every server does at its start. */
import { readDatabaseConfig } from '../config/config.ts';
import { prepareDatabase } from '../database/prepare.ts';
import { createLogger } from '../logging/logger.ts';
import { readArguments, runCommand } from './arguments.ts';
import { openCommandDatabase } from './command-database.ts';
import { jsonLine } from './screen.ts';

await runCommand(async () => {
  const usage = 'Usage: npm run db:migrate -- [--json]';
  const options = { json: { type: 'boolean', default: false } } as const;
  const { json } = readArguments(process.argv.slice(2), options, usage);
  const { databaseUrl, ...config } = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  // A migration can wait for minutes. The result is alone on the standard output.
  const logger = createLogger(
    { level: 'info', format: json ? 'json' : 'pretty', colour: false },
    process.stderr,
  );
  if (databaseUrl === undefined) await migrateEmbedded(config.dataDir, readers);
  else await prepareDatabase({ url: databaseUrl, listenUrl, migrateUrl, readers }, logger);
  process.stdout.write(
    json
      ? jsonLine({ type: 'migrated', embedded: databaseUrl === undefined })
      : 'The database has the newest schema.\n',
  );
  return 0;
});

async function migrateEmbedded(dataDir: string, readers: readonly string[]): Promise<void> {
  const { url, close } = await openCommandDatabase({ databaseUrl: undefined, dataDir });
  await prepareDatabase({ url, readers }).finally(close);
}
