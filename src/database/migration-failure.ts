/**
 * Explains why a migration was refused, in one line. A definition that PostgreSQL refuses names objects, never rows; of an
 * error about rows only the table and the constraint are named.
 */
import { databaseError } from '../logging/safe-error.ts';
import { DatabaseStartError } from './database-failure.ts';

const GUIDE = 'docs/guides/moving-from-the-old-system.md, section 2';
/** An object of that name, type, function, schema or column exists already. */
const DUPLICATES = new Set(['42P07', '42710', '42723', '42P06', '42701']);
const NOT_OWNER = /must be owner of (\w+ \S+)/;

/** @returns the error itself when it is not about objects or rows of the database */
export function withMigrationExplanation(error: unknown): unknown {
  const refusal = databaseError(error);
  const explained = refusal === undefined ? undefined : explain(refusal);
  return explained === undefined ? error : new DatabaseStartError(explained, { cause: error });
}

interface Refusal {
  code: string;
  message: string;
  table_name?: string;
  constraint_name?: string;
}

function explain({
  code,
  message,
  table_name: table,
  constraint_name: constraint,
}: Refusal): string | undefined {
  if (DUPLICATES.has(code)) {
    return `The migration was rolled back: another program has an object of a name that this server needs (${message}). Rename it or move it to another schema, then start again; see ${GUIDE}.`;
  }
  const owned = code === '42501' ? NOT_OWNER.exec(message)?.[1] : undefined;
  if (owned !== undefined) {
    return `The migration was rolled back: ${owned} belongs to another role. Set MIGRATE_DATABASE_URL to the address of its owner, or make the role of DATABASE_URL its owner (ALTER … OWNER TO), then start again.`;
  }
  // In another language than English the message does not tell a missing right from a missing ownership.
  if (code === '42501' && !message.startsWith('permission denied')) {
    return `The migration was rolled back: the role of DATABASE_URL lacks a right, or does not own an object (${message}). As the owner of the database: GRANT USAGE, CREATE ON SCHEMA public TO that role; or set MIGRATE_DATABASE_URL to the address of the owner of the tables; then start again.`;
  }
  if (code.startsWith('23')) {
    return `The migration was rolled back: rows of ${table ?? 'a table'} do not fit ${constraint ?? 'a constraint'} (SQLSTATE ${code}). Correct or move these rows, then start again; see ${GUIDE}.`;
  }
  // 42: a definition was refused, 2B: another object depends on it, 0A: the database lacks a feature, 55006: it is in use.
  if (/^(42(?!501)|2B|0A|55006)/.test(code)) {
    return `The migration was rolled back: ${message} (SQLSTATE ${code}). Move what belongs to another program to another schema, then start again; see ${GUIDE}.`;
  }
  return undefined;
}
