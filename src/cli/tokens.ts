/**
 * `npm run tokens -- create|list|revoke`: manages the API tokens of servers with AUTH=tokens. Works on the database of the
 * environment directly, so it needs no running server and no token.
 */
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import {
  BOOTSTRAP_TOKEN_NAME,
  createToken,
  type ListedToken,
  listTokens,
  revokeToken,
} from '../access/api-tokens.ts';
import { readDatabaseConfig } from '../config/config.ts';
import { type Database, openDatabase } from '../database/open.ts';
import { prepareDatabase } from '../database/prepare.ts';
import { openEmbeddedDatabase } from '../embedded-postgres/open.ts';
import { SCOPES, type Scope } from '../http/principal.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { CommandError, readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { jsonLine } from './screen.ts';

const USAGE = `Usage: npm run tokens -- create --name "Reception" --organizations 123,124|* [--scope read|sync|admin] [--days 365]
       npm run tokens -- create --name "Prometheus" --scope metrics [--days 365]
       npm run tokens -- list
       npm run tokens -- revoke --id 7
  --json  one JSON object a line`;

const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;

await runCommand(async () => {
  const [verb, ...args] = process.argv.slice(2);
  switch (verb) {
    case 'create':
      return create(args);
    case 'list':
      return list(args);
    case 'revoke':
      return revoke(args);
    default:
      // Help, or an unknown verb.
      readArguments(process.argv.slice(2, 3), {}, USAGE);
      throw new UsageError(USAGE);
  }
});

async function list(args: readonly string[]): Promise<number> {
  const { json } = readArguments(args, JSON_OPTION, USAGE);
  return withDatabase(async (database) => {
    const tokens = await listTokens(database);
    say(json ? tokens.map(jsonLine).join('') : table(tokens));
  });
}

async function create(args: readonly string[]): Promise<number> {
  const values = readArguments(
    args,
    {
      name: { type: 'string' },
      organizations: { type: 'string' },
      scope: { type: 'string', default: 'read' },
      days: { type: 'string', default: '365' },
      ...JSON_OPTION,
    },
    USAGE,
  );
  if (values.name === undefined || !/^\S.{0,99}$/.test(values.name))
    throw new UsageError(`--name must be a text of at most 100 characters.\n${USAGE}`);
  if (values.name === BOOTSTRAP_TOKEN_NAME)
    throw new UsageError(`--name must not be ${BOOTSTRAP_TOKEN_NAME}: the token of that variable has it.`);
  const scope = readScope(values.scope);
  const wish = {
    name: values.name,
    scope,
    organizations:
      scope === 'metrics' ? readNone(values.organizations) : readOrganizations(values.organizations),
    expiresInDays: wholeNumber(values.days, '--days', 1, 3_650),
  };
  return withDatabase(async (database) => {
    const { id, token } = await createToken(database, wish);
    if (values.json) return say(jsonLine({ id, token, expires_in_days: wish.expiresInDays }));
    // Alone on the standard output, so that a script can take it.
    process.stderr.write(`Token ${id} for ${wish.expiresInDays} days. It is shown only once:\n`);
    say(`${token}\n`);
  });
}

async function revoke(args: readonly string[]): Promise<number> {
  const values = readArguments(args, { id: { type: 'string' }, ...JSON_OPTION }, USAGE);
  if (values.id === undefined) throw new UsageError(`--id is missing.\n${USAGE}`);
  const id = wholeNumber(values.id, '--id', 1, MAX_ROW_ID);
  return withDatabase(async (database) => {
    if (!(await revokeToken(database, id)))
      throw new CommandError(`No active token has the id ${id}. List the tokens: npm run tokens -- list`);
    say(
      values.json
        ? jsonLine({ id, revoked: true })
        : `Token ${id} is revoked. Its open streams end within 5 seconds.\n`,
    );
  });
}

function readScope(text: string): Scope {
  const scope = SCOPES.find((known) => known === text);
  if (scope === undefined) throw new UsageError(`--scope must be ${SCOPES.join(', ')}; it was "${text}".`);
  return scope;
}

function readOrganizations(text: string | undefined): '*' | number[] {
  if (text === undefined) throw new UsageError(`--organizations is missing.\n${USAGE}`);
  if (text === '*') return '*';
  return [...new Set(text.split(',').map((id) => wholeNumber(id.trim(), '--organizations', 1, MAX_ROW_ID)))];
}

/** A token for /metrics is bound to no organization. */
function readNone(text: string | undefined): [] {
  if (text !== undefined)
    throw new UsageError(`--organizations does not go with --scope metrics: leave it out.\n${USAGE}`);
  return [];
}

function table(tokens: readonly ListedToken[]): string {
  const lines = tokens.map(({ id, name, scope, organizations, created, expires, state }) =>
    [
      id,
      state,
      scope,
      organizations === null ? '*' : organizations.join(',') || '-',
      created,
      expires ?? 'never',
      terminalText(name),
    ].join('\t'),
  );
  return `${['id\tstate\tscope\torganizations\tcreated\texpires\tname', ...lines].join('\n')}\n`;
}

function say(text: string): void {
  process.stdout.write(text);
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<number> {
  const { databaseUrl, dataDir, ...config } = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  const embedded = databaseUrl === undefined ? await openEmbeddedDatabase({ dataDir }) : undefined;
  const url = databaseUrl ?? embedded?.url ?? '';
  try {
    await prepareDatabase({ url, listenUrl, migrateUrl, readers });
    const database = openDatabase(url, { max: 1, throughPooler: true });
    await work(database).finally(database.close);
    return 0;
  } finally {
    await embedded?.stop();
  }
}
