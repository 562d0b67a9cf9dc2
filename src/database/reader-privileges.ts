/**
 * The SQL readers: login roles that only read, each the rows of some organizations (access/sql-readers.ts creates them).
 *
 * Not here: which rows they see (the policies, revoke-privileges.ts).
 */
import type { ISql } from 'postgres';
import type { DatabaseObject } from './privileges.ts';

export interface SqlReader {
  role: string;
  /** Whether it reads `patients.raw`. */
  raw: boolean;
  /** Whether it reads the view `patient_identifiers`. */
  identifiers: boolean;
}

/** A role may `SELECT` from these columns; undefined: from the whole table or view. */
export interface ReadableColumns {
  columns: readonly string[] | undefined;
}

/** `raw`, and a hash of it. */
const RAW_COLUMNS = new Set(['raw', 'content_hash']);

const TABLES = new Set(['patients', 'sync_logs', 'organizations']);

/** A database before the migration that creates the table has none. A role that was dropped by hand is not listed. */
export async function readSqlReaders(sql: ISql): Promise<SqlReader[]> {
  const [table] = await sql<{ exists: boolean }[]>`
    select to_regclass('public.sql_readers') is not null as exists`;
  if (table?.exists !== true) return [];
  return await sql<SqlReader[]>`
    select role_name as role, raw, identifiers from sql_readers
    join pg_roles on rolname = role_name and pg_roles.oid = role_oid order by role_name`;
}

/** @returns undefined: nothing of it */
export function columnsFor(reader: SqlReader, object: DatabaseObject): ReadableColumns | undefined {
  const { plainName, isPartition, columns } = object;
  if (isPartition) return undefined;
  const whole: ReadableColumns = { columns: undefined };
  switch (plainName) {
    case 'patients':
      return reader.raw ? whole : { columns: columns.filter((name) => !RAW_COLUMNS.has(name)) };
    case 'patients_current':
      // PostgreSQL 14 reads such a view with the rights of its owner: of all organizations.
      return object.readsAsCaller ? whole : undefined;
    case 'patient_details':
      return whole;
    case 'patient_identifiers':
      return reader.identifiers ? whole : undefined;
    default:
      return TABLES.has(plainName) ? whole : undefined;
  }
}

/** Whether the policy of a table asks for SQL readers. */
export const isForSqlReaders = ({ plainName }: DatabaseObject): boolean => TABLES.has(plainName);
