/** `npm run db:migrate`: brings the configured database to the newest schema, as every server does at its start. */
import { readDatabaseConfig } from '../config/config.ts';
import { readArguments, runCommand } from './arguments.ts';
import { jsonLine } from './screen.ts';
import { withDatabase } from './with-database.ts';

await runCommand(async () => {
  const usage = 'Usage: npm run db:migrate -- [--json]';
  const options = { json: { type: 'boolean', default: false } } as const;
  const { json } = readArguments(process.argv.slice(2), options, usage);
  const { databaseUrl, dataDir } = readDatabaseConfig(process.env);
  const embedded = databaseUrl === undefined;
  if (embedded)
    process.stderr.write(`DATABASE_URL is not set: migrating the embedded PostgreSQL under ${dataDir}\n`);
  return await withDatabase(async () => {
    process.stdout.write(
      json ? jsonLine({ type: 'migrated', embedded }) : 'The database has the newest schema.\n',
    );
  });
});
