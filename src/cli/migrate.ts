/** `npm run db:migrate`: brings the configured database to the newest schema, as every server does at its start. */
import { readDatabaseConfig } from '../config.ts';
import { openEmbeddedDatabase } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { readArguments, runCommand } from './arguments.ts';

await runCommand(async () => {
  readArguments(process.argv.slice(2), {}, 'Usage: npm run db:migrate');
  const { databaseUrl, listenDatabaseUrl, dataDir } = readDatabaseConfig(process.env);
  const url = listenDatabaseUrl ?? databaseUrl;
  if (url !== undefined) await migrate(url);
  else await migrateEmbedded(dataDir);
  process.stdout.write('The database has the newest schema.\n');
  return 0;
});

async function migrateEmbedded(dataDir: string): Promise<void> {
  process.stdout.write(`DATABASE_URL is not set: migrating the embedded PostgreSQL under ${dataDir}\n`);
  const embedded = await openEmbeddedDatabase({ dataDir });
  await migrate(embedded.url).finally(embedded.stop);
}
