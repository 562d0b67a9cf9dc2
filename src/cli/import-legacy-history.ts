/**
 * `npm run db:import-legacy -- --from <address> --map org_abc=123 [--apply]`: copies the history of syncs from the database of
 * the old system. Without `--apply` it only says what it would copy.
 *
 * Works on the configured database directly; servers may run. Neighbour: import-report.ts (what it prints).
 */
import { MAX_ROW_ID, OperationType } from '#contract/sync-log.ts';
import { readDatabaseConfig } from '../config/config.ts';
import { readAddress } from '../config/database.ts';
import { type Environment, reader } from '../config/rules.ts';
import type { Database } from '../database/open.ts';
import { LegacyImportError } from '../legacy/import/error.ts';
import { importHistory } from '../legacy/import/import-history.ts';
import { type LegacySource, withLegacySource } from '../legacy/import/legacy-source.ts';
import { CommandError, readArguments, UsageError, wholeNumber } from './arguments.ts';
import { printJson, printReport } from './import-report.ts';
import type { Screen } from './screen.ts';
import { withMigratedDatabase } from './with-database.ts';

const USAGE = `Usage: npm run db:import-legacy -- --from postgres://user@host/old --map org_abc=123 [--map org_def=124 …]
       [--apply] [--timezone Australia/Sydney] [--schema old_system] [--operation NAME=full_patients …] [--json]

Copies the rows of the old table sync_logs. Without --apply nothing is copied: it says what would be.
  --from       the old database; put the password into ~/.pgpass, so that it is not in the process list
  --map        an organization of the old system and its id here; others are not copied
  --timezone   the zone of old times that have none
  --schema     where the old table is, when it is neither in public nor in old_system
  --operation  an operation type of your own, and what it is here: ${OperationType.options.join(', ')}`;

const OPTIONS = {
  from: { type: 'string' },
  map: { type: 'string', multiple: true },
  operation: { type: 'string', multiple: true, default: [] as string[] },
  timezone: { type: 'string' },
  schema: { type: 'string' },
  apply: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof readOptions>;

/** @returns the exit code @throws UsageError, CommandError */
export async function importLegacyHistory(
  args: readonly string[],
  environment: Environment,
  screen: Screen,
): Promise<number> {
  const values = readOptions(args, environment);
  const options = { schema: values.schema, timeZone: values.timeZone ?? 'UTC' };
  try {
    await withMigratedDatabase(readDatabaseConfig(environment), { max: 1 }, (database) =>
      withLegacySource(values.from, options, (source) => importFrom(source, database, { values, screen })),
    );
  } catch (error) {
    throw error instanceof LegacyImportError ? new CommandError(error.message, { cause: error }) : error;
  }
  return 0;
}

function readOptions(args: readonly string[], environment: Environment) {
  const values = readArguments(args, OPTIONS, USAGE);
  const from = readAddress(reader({ ...environment, '--from': values.from }), '--from');
  if (from === undefined) throw new UsageError(`--from is missing.\n${USAGE}`);
  if (values.map === undefined) throw new UsageError(`--map is missing.\n${USAGE}`);
  if (values.apply && values['dry-run']) {
    throw new UsageError('--apply and --dry-run exclude each other: leave one out.');
  }
  return {
    from,
    organizations: readPairs('--map', values.map, (id) => wholeNumber(id, '--map', 1, MAX_ROW_ID)),
    operations: readPairs('--operation', values.operation, readOperation),
    timeZone: readTimeZone(values.timezone),
    schema: values.schema,
    apply: values.apply,
    json: values.json,
  };
}

/** `old=new`; the text before the last `=` is taken as it is. */
function readPairs<T>(option: string, texts: readonly string[], parse: (text: string) => T): Map<string, T> {
  const pairs = new Map<string, T>();
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    if (at < 1) throw new UsageError(`${option} must be OLD=NEW; it was "${text}".`);
    const old = text.slice(0, at);
    if (pairs.has(old)) throw new UsageError(`${option} names "${old}" twice.`);
    pairs.set(old, parse(text.slice(at + 1)));
  }
  return pairs;
}

function readOperation(text: string): OperationType {
  const type = OperationType.safeParse(text);
  if (type.success) return type.data;
  throw new UsageError(`--operation must name one of ${OperationType.options.join(', ')}; it was "${text}".`);
}

function readTimeZone(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new UsageError(`--timezone must be a time zone such as UTC or Australia/Sydney; it was "${text}".`);
  }
}

async function importFrom(
  source: LegacySource,
  database: Database,
  { values, screen }: { values: Values; screen: Screen },
): Promise<void> {
  if (values.apply && source.table.needsTimeZone && values.timeZone === undefined) {
    throw new LegacyImportError(
      `The times in ${source.table.name} have no time zone. Say which one the old system wrote with --timezone, such as UTC or Australia/Sydney.`,
    );
  }
  if (values.apply) await assertRegistered(database, values.organizations);
  const report = await importHistory(database.sql, source, {
    organizations: values.organizations,
    operations: values.operations,
    apply: values.apply,
  });
  const result = {
    report,
    applied: values.apply,
    assumedUtc: source.table.needsTimeZone && values.timeZone === undefined,
  };
  if (values.json) printJson(screen, result);
  else printReport(screen, result);
  await assertRegistered(database, values.organizations);
}

/** In a dry run after the report, so that one call shows everything that is to be done. */
async function assertRegistered(
  { sql }: Database,
  organizations: ReadonlyMap<string, number>,
): Promise<void> {
  const ids = [...new Set(organizations.values())];
  const rows = await sql<{ id: number }[]>`select id from organizations where id = any(${ids}::int[])`;
  const registered = new Set(rows.map(({ id }) => id));
  const missing = ids.filter((id) => !registered.has(id));
  if (missing.length === 0) return;
  const commands = missing.map(
    (id) =>
      `curl -X PUT http://localhost:8000/api/v1/organizations/${id} -H 'content-type: application/json' -d '{}'`,
  );
  throw new LegacyImportError(
    `No organization ${missing.join(', ')} is registered here. Register it at the running server, then start the import again: ${commands.join('; ')}`,
  );
}
