/**
 * `npm run doctor`: checks a set-up before it is used, one line for each check with what to do. Exit code 1 when something
 * would stop a sync. It changes nothing in a database of DATABASE_URL.
 */
import type { Sql } from 'postgres';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { type Config, readConfig } from '../config/config.ts';
import { ConfigError } from '../config/rules.ts';
import { checkDatabase, withExplanation } from '../database/check-database.ts';
import { DatabaseStartError } from '../database/database-failure.ts';
import { withConnection } from '../database/driver.ts';
import { readJournal } from '../database/migration-journal.ts';
import { openDatabase } from '../database/open.ts';
import { assertSameDatabase } from '../database/same-database.ts';
import { type SessionSettings, sessionSettings, takesStartupParameters } from '../database/session.ts';
import { EmbeddedDatabaseError } from '../embedded-postgres/error.ts';
import { readOrMakeCredentialsKey } from '../encryption/key-file.ts';
import { createSealer } from '../encryption/sealer.ts';
import { databaseError } from '../logging/safe-error.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { explainStartFailure } from '../server/start-failure.ts';
import { readArguments, runCommand, wholeNumber } from './arguments.ts';
import { type CommandDatabase, openCommandDatabase } from './command-database.ts';
import { checkContact, checkNode, checkProxy } from './doctor/configuration-checks.ts';
import {
  checkClock,
  checkDefaults,
  checkGrants,
  checkListen,
  checkRights,
  checkRoom,
  checkRowLevelSecurity,
  readRole,
} from './doctor/database-checks.ts';
import { type Finding, failure, ok, warning } from './doctor/finding.ts';
import {
  checkClinikoKey,
  checkCredentialsKey,
  checkStoredClinikoKey,
  checkTokens,
} from './doctor/key-checks.ts';
import { checkLocks } from './doctor/lock-check.ts';
import { checkMail } from './doctor/mail-check.ts';
import { checkNats } from './doctor/nats-check.ts';
import { checkReplica } from './doctor/replica-check.ts';
import { jsonLine } from './screen.ts';

const USAGE = `Usage: npm run doctor -- [--org 123] [--json]
Checks the set-up of the environment, CLINIKO_API_KEY too. With --org also the stored Cliniko key of that organization.`;

const MARKS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' } as const;

await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    { org: { type: 'string' }, json: { type: 'boolean', default: false } },
    USAGE,
  );
  const organizationId =
    values.org === undefined ? undefined : wholeNumber(values.org, '--org', 1, MAX_ROW_ID);
  let failed = false;
  for await (const finding of examine(organizationId)) {
    failed ||= finding.state === 'error';
    const { check, state, detail } = finding;
    process.stdout.write(
      values.json ? jsonLine(finding) : `${MARKS[state]} ${check}: ${terminalText(detail)}\n`,
    );
  }
  return failed ? 1 : 0;
});

async function* examine(organizationId: number | undefined): AsyncGenerator<Finding> {
  yield checkNode();
  let config: Config;
  try {
    config = readConfig(process.env, [], false);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield failure('configuration', error.message);
    return;
  }
  yield ok('configuration', 'All variables have valid values.');
  yield checkProxy(config);
  yield checkContact(config);
  let database: CommandDatabase;
  try {
    database = await openCommandDatabase(config);
  } catch (error) {
    if (!(error instanceof EmbeddedDatabaseError)) throw error;
    yield failure('database', error.message);
    return;
  }
  try {
    yield* examineAndClose(config, database, organizationId);
  } catch (error) {
    yield failure('database', explainCheckFailure(withExplanation('DATABASE_URL', database.url, error)));
  }
}

async function* examineAndClose(
  config: Config,
  { url, close }: CommandDatabase,
  organizationId: number | undefined,
): AsyncGenerator<Finding> {
  try {
    yield* examineDatabase(config, url, organizationId);
  } finally {
    await close();
  }
}

async function* examineDatabase(
  config: Config,
  url: string,
  organizationId: number | undefined,
): AsyncGenerator<Finding> {
  const addresses = {
    DATABASE_URL: url,
    LISTEN_DATABASE_URL: config.listenDatabaseUrl,
    MIGRATE_DATABASE_URL: config.migrateDatabaseUrl,
  };
  let reached = true;
  for (const [variable, address] of Object.entries(addresses)) {
    if (address === undefined) continue;
    for (const finding of await checkAddress(variable, address, reached ? url : undefined)) {
      reached &&= finding.state !== 'error';
      yield finding;
    }
  }
  if (!reached) return;
  const user = await withSql('DATABASE_URL', url, readRole);
  const server = config.migrateDatabaseUrl === undefined ? undefined : user;
  const [variable, owner] =
    config.migrateDatabaseUrl === undefined
      ? ['DATABASE_URL', url]
      : ['MIGRATE_DATABASE_URL', config.migrateDatabaseUrl];
  yield* await withSql(variable, owner, async (sql) => [
    ...(await checkRights(sql)),
    await checkRowLevelSecurity(sql, user),
  ]);
  yield* await withSql('DATABASE_URL', url, async (sql) => [
    ...(await checkGrants(sql, server, config.databaseReaders)),
    await checkRoom(sql, config.databasePoolMax),
    await checkClock(sql),
    await checkLocks(sql),
  ]);
  yield await withSql('DATABASE_URL', url, checkDefaults, {});
  yield await checkListen(config.listenDatabaseUrl ?? url);
  if (config.readDatabaseUrl !== undefined) yield* await checkReplica(url, config.readDatabaseUrl);
  if (config.nats !== undefined) yield await checkNats(config.nats);
  if (config.mail !== undefined) yield await checkMail(config.mail);
  yield* examineKeys(config, url, organizationId);
}

/** @param mainUrl of the database that the address has to lead to, when it can be reached */
async function checkAddress(variable: string, url: string, mainUrl: string | undefined): Promise<Finding[]> {
  const warnings: string[] = [];
  const logger = { warn: (text: string) => void warnings.push(text) };
  try {
    await checkDatabase(variable, url, { logger, patienceMs: 0 });
    if (mainUrl !== undefined && mainUrl !== url) await assertSameDatabase(mainUrl, url, variable);
    return [ok('database', `${variable} works.`), ...warnings.map((text) => warning('database', text))];
  } catch (error) {
    if (error instanceof DatabaseStartError) return [failure('database', error.message)];
    throw error;
  }
}

async function* examineKeys(
  config: Config,
  url: string,
  organizationId: number | undefined,
): AsyncGenerator<Finding> {
  const { clinic } = config;
  if (clinic !== undefined) yield* await checkClinikoKey(config, clinic.apiKey, 'CLINIKO_API_KEY');
  // The next start replaces the stored key of the configured organization.
  const stored = organizationId === clinic?.organizationId ? undefined : organizationId;
  yield* await examineStoredKeys(config, url, stored);
}

/** What is sealed and stored is only there after the first start. */
async function examineStoredKeys(
  config: Config,
  url: string,
  organizationId: number | undefined,
): Promise<Finding[]> {
  const takesParameters = await takesStartupParameters(url);
  const database = openDatabase(url, { max: 1, throughPooler: true, takesParameters });
  try {
    const { pending } = await readJournal(database.sql);
    if (pending.length > 0) return [ok('keys', 'Keys and tokens can be checked after the first start.')];
    const key = config.credentialsKey ?? (await readOrMakeCredentialsKey(config.dataDir));
    const sealer = createSealer(key, config.previousCredentialsKey);
    const cliniko =
      organizationId === undefined
        ? []
        : await checkStoredClinikoKey(database, sealer, config, organizationId);
    return [await checkCredentialsKey(database, sealer), await checkTokens(database, config), ...cliniko];
  } finally {
    await database.close();
  }
}

/** @param settings of the session; default: those of a server */
async function withSql<T>(
  variable: string,
  url: string,
  work: (sql: Sql) => Promise<T>,
  settings?: SessionSettings,
): Promise<T> {
  try {
    const own = settings ?? sessionSettings({ takesParameters: await takesStartupParameters(url) });
    const connection = { application_name: 'patient-sync doctor', ...own };
    return await withConnection(url, { connect_timeout: 10, connection }, work);
  } catch (error) {
    throw withExplanation(variable, url, error);
  }
}

/** For a refused statement a failed start names the doctor. */
function explainCheckFailure(error: unknown): string {
  const refusal = error instanceof DatabaseStartError ? undefined : databaseError(error);
  if (refusal === undefined) return explainStartFailure(error, 'The check failed');
  return `The database refused a statement of this check (SQLSTATE ${refusal.code}). Its log has the statement, and the manual of PostgreSQL explains the code in appendix A.`;
}
