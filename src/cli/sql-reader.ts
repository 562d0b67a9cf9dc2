/** `npm run tokens -- sql-reader`: creates, lists and revokes read-only logins of the database for analysts. */
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import {
  createSqlReader,
  type ListedSqlReader,
  listSqlReaders,
  type RevokedRole,
  revokeSqlReader,
  SqlReaderError,
} from '../access/sql-readers.ts';
import { CommandError, readArguments, UsageError, wholeNumber } from './arguments.ts';
import { jsonLine } from './screen.ts';
import { withDatabase } from './with-database.ts';

const OPTIONS = {
  name: { type: 'string' },
  organizations: { type: 'string' },
  'without-raw': { type: 'boolean', default: false },
  'with-identifiers': { type: 'boolean', default: false },
  days: { type: 'string', default: '365' },
  connections: { type: 'string', default: '5' },
  timeout: { type: 'string', default: '300' },
  json: { type: 'boolean', default: false },
} as const;

const LONGEST_STATEMENT_S = 86_400;

export async function createReader(args: readonly string[], usage: string): Promise<number> {
  const values = readArguments(args, OPTIONS, usage);
  const reader = {
    role: readRole(values.name, '--name', usage),
    organizations: readOrganizations(values.organizations, usage),
    raw: !values['without-raw'],
    identifiers: values['with-identifiers'],
    expiresInDays: wholeNumber(values.days, '--days', 1, 3_650),
    connections: wholeNumber(values.connections, '--connections', 1, 100),
    statementSeconds: wholeNumber(values.timeout, '--timeout', 1, LONGEST_STATEMENT_S),
  };
  return await asOwner(async (database, roles) => {
    const { password, advice } = await createSqlReader(database, reader, roles);
    for (const line of advice) process.stderr.write(`${line}\n`);
    if (values.json) {
      const { role, organizations, raw, identifiers, expiresInDays } = reader;
      process.stdout.write(
        jsonLine({ role, password, organizations, raw, identifiers, expires_in_days: expiresInDays }),
      );
      return;
    }
    // Alone on the standard output, so that a script can take it.
    process.stderr.write(
      `The role ${reader.role} reads organization ${reader.organizations.join(', ')} for ${reader.expiresInDays} days. Its password is shown only once:\n`,
    );
    process.stdout.write(`${password}\n`);
  });
}

export async function listReaders(args: readonly string[], usage: string): Promise<number> {
  const { json } = readArguments(args, { json: OPTIONS.json }, usage);
  return await withDatabase(async (database) => {
    const readers = await listSqlReaders(database);
    process.stdout.write(json ? readers.map(jsonLine).join('') : table(readers));
  });
}

export async function revokeReader(name: string, json: boolean, usage: string): Promise<number> {
  const role = readRole(name, '--sql-reader', usage);
  return await asOwner(async (database, roles) => {
    const revoked = await revokeSqlReader(database, role, roles);
    if (revoked === undefined) {
      throw new CommandError(`No SQL reader has the name ${role}. List them: npm run tokens -- sql-readers`);
    }
    process.stdout.write(
      json
        ? jsonLine({ role, revoked: true, state: revoked })
        : `The SQL reader ${role} has no rights on the tables any more. ${AFTER_REVOKING[revoked]}\n`,
    );
  });
}

const AFTER_REVOKING: Record<RevokedRole, string> = {
  dropped: 'Its role is dropped.',
  locked:
    'It cannot log in. Its role remains, because other databases of the server have rights or objects of it: remove those, then DROP ROLE, as an administrator.',
  unchanged:
    'Another role administers its role, so that remains and can log in: DROP ROLE, as an administrator.',
};

async function asOwner(work: Parameters<typeof withDatabase>[0]): Promise<number> {
  try {
    return await withDatabase(work, { asOwner: true });
  } catch (error) {
    if (error instanceof SqlReaderError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

/** A name that needs no quotes in SQL. PostgreSQL reserves `pg_`, and `patient_sync_` is ours. */
function readRole(text: string | undefined, option: string, usage: string): string {
  if (text === undefined) throw new UsageError(`${option} is missing.\n${usage}`);
  if (/^(?!pg_|patient_sync_)[a-z][a-z0-9_]{0,62}$/.test(text)) return text;
  throw new UsageError(
    `${option} must be a name of small letters, digits and _, such as reports_clinic_123, and not begin with pg_ or patient_sync_; it was "${text}".`,
  );
}

function readOrganizations(text: string | undefined, usage: string): number[] {
  if (text === undefined) throw new UsageError(`--organizations is missing.\n${usage}`);
  if (text.trim() === '*') {
    throw new UsageError(
      '--organizations must name each organization, such as 123,124. A role that reads all of them, also later ones, belongs into DATABASE_READERS.',
    );
  }
  return [...new Set(text.split(',').map((id) => wholeNumber(id.trim(), '--organizations', 1, MAX_ROW_ID)))];
}

function table(readers: readonly ListedSqlReader[]): string {
  const lines = readers.map(({ role, state, organizations, raw, identifiers, created, expires }) =>
    [
      role,
      state,
      organizations.join(',') || '-',
      raw ? 'yes' : 'no',
      identifiers ? 'yes' : 'no',
      created,
      expires,
    ].join('\t'),
  );
  return `${['role\tstate\torganizations\traw\tidentifiers\tcreated\texpires', ...lines].join('\n')}\n`;
}
