/**
 * The names of all objects that our migrations create, read from the migrations themselves.
 *
 * A database may hold tables of other programs, also of the same owner. The steps that each start runs on our objects must
 * not touch those, and must include each table that a later migration adds.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JOURNAL_TABLE, MIGRATIONS } from './migration-journal.ts';

export interface OwnObjects {
  /** Tables and views in the schema `public`. Their partitions and sequences are included. */
  relations: readonly string[];
  /** Functions in the schema `public`. */
  functions: readonly string[];
}

const CREATE_RELATION =
  /^\s*CREATE (?:(?:UNLOGGED )?TABLE|(?:OR REPLACE )?VIEW|MATERIALIZED VIEW|SEQUENCE) (?:IF NOT EXISTS )?(?:"?public"?\.)?"?(\w+)"?/gim;
const CREATE_FUNCTION =
  /^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) (?:"?public"?\.)?"?(\w+)"?\s*\(/gim;

let read: Promise<OwnObjects> | undefined;

/** Read once: a start needs them several times, and an installation does not change while it runs. */
export function readOwnObjects(): Promise<OwnObjects> {
  read ??= readFromMigrations().catch((error: unknown) => {
    read = undefined;
    throw error;
  });
  return read;
}

async function readFromMigrations(): Promise<OwnObjects> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'));
  const texts = await Promise.all(files.map((name) => readFile(join(MIGRATIONS, name), 'utf8')));
  const text = texts.join('\n');
  return {
    relations: [JOURNAL_TABLE, ...namesIn(text, CREATE_RELATION)],
    functions: namesIn(text, CREATE_FUNCTION),
  };
}

function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))];
}
