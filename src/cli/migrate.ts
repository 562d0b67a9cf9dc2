/** `npm run db:migrate`: brings the configured database to the newest schema, as every server does at its start. */
import { readDatabaseConfig } from '../config/config.ts';
import { prepareDatabase } from '../database/prepare.ts';
import { readArguments, runCommand } from './arguments.ts';
import { openCommandDatabase } from './command-database.ts';
import { jsonLine } from './screen.ts';

await runCommand(async () => {
  const usage = 'Usage: npm run db:migrate -- [--json]';
  const options = { json: { type: 'boolean', default: false } } as const;
  const { json } = readArguments(process.argv.slice(2), options, usage);
  const { databaseUrl, ...config } = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  if (databaseUrl !== undefined) await prepareDatabase({ url: databaseUrl, listenUrl, migrateUrl, readers });
  else await migrateEmbedded(config.dataDir, readers);
  process.stdout.write(
    json
      ? jsonLine({ type: 'migrated', embedded: databaseUrl === undefined })
      : 'The database has the newest schema.\n',
  );
  return 0;
});

async function migrateEmbedded(dataDir: string, readers: readonly string[]): Promise<void> {
  process.stderr.write(`DATABASE_URL is not set: migrating the embedded PostgreSQL under ${dataDir}\n`);
  const { url, close } = await openCommandDatabase({ databaseUrl: undefined, dataDir });
  await prepareDatabase({ url, readers }).finally(close);
}
