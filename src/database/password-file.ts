/** Reads passwords from a file in the format of libpq (`.pgpass`), one per line: `host:port:database:user:password`. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type DatabaseAddress, isSocket } from './address.ts';

const GROUP_AND_OTHERS = 0o077;

/**
 * @param file undefined: `PGPASSFILE`, or `~/.pgpass`
 * @returns undefined when no line matches, or when other users may read the file
 */
export function readPasswordFile(file: string | undefined, address: DatabaseAddress): string | undefined {
  const [host] = address.hosts;
  if (host === undefined) return undefined;
  // For a socket in the default folder libpq also accepts `localhost`.
  const names = isSocket(host) ? [host.host, 'localhost'] : [host.host];
  const user = address.user ?? process.env.PGUSER;
  for (const line of readLines(file)) {
    const [lineHost, port, database, lineUser, password] = splitFields(line);
    const fits =
      names.some((name) => matches(lineHost, name)) &&
      matches(port, String(host.port)) &&
      matches(database, address.database ?? user) &&
      matches(lineUser, user);
    if (fits) return password;
  }
  return undefined;
}

function readLines(file: string | undefined): string[] {
  try {
    const path = file ?? process.env.PGPASSFILE ?? join(homedir(), '.pgpass');
    if ((statSync(path).mode & GROUP_AND_OTHERS) !== 0) return [];
    return readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch {
    return []; // As in libpq, a missing file, or a user without a home, means no password.
  }
}

/** A backslash escapes a colon or a backslash in a value. */
function splitFields(line: string): string[] {
  return [...line.matchAll(/((?:[^:\\]|\\.)*)(?::|$)/g)].map(([, field = '']) =>
    field.replace(/\\(.)/g, '$1'),
  );
}

const matches = (field: string | undefined, value: string | undefined): boolean =>
  field === '*' || (field !== undefined && field === value);
