/**
 * `npm run tokens -- create|list|revoke|allow|disallow|sql-reader|sql-readers`: manages the API tokens of servers with AUTH=tokens,
 * which people of the identity provider may use them, and logins of the database that only read. Works on the database of the
 * environment directly, so it needs no running server and no token.
 */
import { z } from 'zod';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import {
  BOOTSTRAP_TOKEN_NAME,
  createToken,
  type ListedToken,
  listTokens,
  revokeToken,
} from '../access/api-tokens.ts';
import { allowPerson, disallowPerson, listPeople, type PersonKey } from '../access/identities.ts';
import { SCOPES, type Scope } from '../http/principal.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { CommandError, readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { jsonLine } from './screen.ts';
import { createReader, listReaders, revokeReader } from './sql-reader.ts';
import { withDatabase } from './with-database.ts';

const USAGE = `Usage: npm run tokens -- create --name "Reception" --organizations 123,124|* [--scope read|sync|admin] [--days 365]
       npm run tokens -- create --name "Prometheus" --scope metrics [--days 365]
       npm run tokens -- list
       npm run tokens -- revoke --id 7
       npm run tokens -- allow --id 7 --email anna@clinic.example    (or --subject ID: the provider's id of a person)
       npm run tokens -- disallow --email anna@clinic.example
       npm run tokens -- sql-reader --name reports --organizations 123 [--without-raw] [--with-identifiers] [--days 365]
         [--connections 5] [--timeout 300]    (a login of the database that only reads; timeout: seconds for a statement)
       npm run tokens -- sql-readers
       npm run tokens -- revoke --sql-reader reports
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
    case 'allow':
      return allow(args);
    case 'disallow':
      return disallow(args);
    case 'sql-reader':
      return createReader(args, USAGE);
    case 'sql-readers':
      return listReaders(args, USAGE);
    default:
      // Help, or an unknown verb.
      readArguments(process.argv.slice(2, 3), {}, USAGE);
      throw new UsageError(USAGE);
  }
});

async function list(args: readonly string[]): Promise<number> {
  const { json } = readArguments(args, JSON_OPTION, USAGE);
  return withDatabase(async (database) => {
    const people = await listPeople(database);
    const tokens = (await listTokens(database)).map((token) => ({
      ...token,
      people: people.filter(({ token_id }) => token_id === token.id).map(({ person }) => person),
    }));
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
  const values = readArguments(
    args,
    { id: { type: 'string' }, 'sql-reader': { type: 'string' }, ...JSON_OPTION },
    USAGE,
  );
  const { 'sql-reader': reader } = values;
  if ((values.id === undefined) === (reader === undefined))
    throw new UsageError(`Name the token by --id, or the SQL reader by --sql-reader.\n${USAGE}`);
  if (reader !== undefined) return revokeReader(reader, values.json, USAGE);
  const id = wholeNumber(values.id ?? '', '--id', 1, MAX_ROW_ID);
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

const PERSON_OPTIONS = { email: { type: 'string' }, subject: { type: 'string' } } as const;

async function allow(args: readonly string[]): Promise<number> {
  const values = readArguments(args, { id: { type: 'string' }, ...PERSON_OPTIONS, ...JSON_OPTION }, USAGE);
  if (values.id === undefined) throw new UsageError(`--id is missing.\n${USAGE}`);
  const id = wholeNumber(values.id, '--id', 1, MAX_ROW_ID);
  const person = readPerson(values);
  return withDatabase(async (database) => {
    if (!(await allowPerson(database, id, person))) {
      throw new CommandError(
        `No active token with the id ${id} can sign a person in. List the tokens: npm run tokens -- list`,
      );
    }
    say(values.json ? jsonLine({ id, ...person }) : `This person may sign in with token ${id}.\n`);
  });
}

async function disallow(args: readonly string[]): Promise<number> {
  const values = readArguments(args, { ...PERSON_OPTIONS, ...JSON_OPTION }, USAGE);
  const person = readPerson(values);
  return withDatabase(async (database) => {
    if (!(await disallowPerson(database, person)))
      throw new CommandError('This person may not sign in. List the tokens: npm run tokens -- list');
    const ended = 'This person may no longer sign in. Open sessions end within 5 seconds.\n';
    say(values.json ? jsonLine({ ...person, disallowed: true }) : ended);
  });
}

const Email = z.email().max(254).toLowerCase();

function readPerson({
  email,
  subject,
}: {
  email?: string | undefined;
  subject?: string | undefined;
}): PersonKey {
  if ((email === undefined) === (subject === undefined))
    throw new UsageError(`Name the person by --email or by --subject.\n${USAGE}`);
  if (subject !== undefined) {
    if (!/^[\x20-\x7e]{1,255}$/.test(subject))
      throw new UsageError('--subject must be the id of a person at the identity provider.');
    return { subject };
  }
  const parsed = Email.safeParse(email);
  if (!parsed.success) throw new UsageError(`--email must be an e-mail address; it was "${email}".`);
  return { email: parsed.data };
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

function table(tokens: readonly (ListedToken & { people: readonly string[] })[]): string {
  const lines = tokens.map(({ id, name, scope, organizations, created, expires, state, people }) =>
    [
      id,
      state,
      scope,
      organizations === null ? '*' : organizations.join(',') || '-',
      created,
      expires ?? 'never',
      terminalText(name),
      people.map(terminalText).join(', '),
    ].join('\t'),
  );
  return `${['id\tstate\tscope\torganizations\tcreated\texpires\tname\tpeople', ...lines].join('\n')}\n`;
}

function say(text: string): void {
  process.stdout.write(text);
}
