/**
 * The roles that are not the owner: the one of the second wall, which belongs to the cluster and not to a dump, so every start
 * makes sure of it; the one of the servers; and those that an operator names as readers.
 */
import type { ISql } from 'postgres';
import { quote, WALL_ROLE } from './close.ts';
import type { Tx } from './open.ts';

/** `DATABASE_READERS` names a role that does not exist. The message is one line for the operator. */
export class UnknownReaderError extends Error {
  override readonly name = 'UnknownReaderError';
}

/** @throws UnknownReaderError */
export async function assertReadersExist(sql: ISql, readers: readonly string[]): Promise<void> {
  const rows = await sql<{ rolname: string }[]>`
    select rolname from pg_roles where rolname = any(${readers as string[]}::text[])`;
  const known = new Set(rows.map(({ rolname }) => rolname));
  const unknown = readers.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new UnknownReaderError(
    `DATABASE_READERS names ${JSON.stringify(unknown)}, and the database has no such role. Create it, or remove it from DATABASE_READERS.`,
  );
}

/**
 * Makes the role of the second wall, and lets `user` act as it.
 *
 * @param user the role of the servers
 * @returns whether it may; where it may not, the start says so (access/row-level-security.ts)
 */
export async function ensureWallRole(tx: Tx, user: string): Promise<boolean> {
  if (!(await hasWallRole(tx))) await attempt(tx, `CREATE ROLE ${WALL_ROLE} NOLOGIN`);
  if (!(await hasWallRole(tx))) return false;
  if (!(await mayAct(tx, user))) {
    const [row] = await tx<{ modern: boolean }[]>`
      select current_setting('server_version_num')::integer >= 160000 as modern`;
    await attempt(tx, `GRANT ${WALL_ROLE} TO ${quote(user)}${row?.modern === true ? ' WITH SET TRUE' : ''}`);
  }
  await ensureSchemaUsage(tx, WALL_ROLE);
  return await mayAct(tx, user);
}

async function mayAct(tx: Tx, user: string): Promise<boolean> {
  const [row] = await tx<{ may: boolean }[]>`select pg_has_role(${user}, ${WALL_ROLE},
    case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end) as may`;
  return row?.may === true;
}

/** Without it a role cannot name a table of the schema at all. */
export async function ensureSchemaUsage(tx: Tx, user: string): Promise<void> {
  const [row] = await tx<
    { usage: boolean }[]
  >`select has_schema_privilege(${user}, 'public', 'USAGE') as usage`;
  if (row?.usage !== true) await attempt(tx, `GRANT USAGE ON SCHEMA public TO ${quote(user)}`);
}

async function hasWallRole(tx: ISql): Promise<boolean> {
  return (await tx`select from pg_roles where rolname = ${WALL_ROLE}`).length > 0;
}

/** A refusal, or another database of the same cluster that was faster, leaves the transaction as it was. */
async function attempt(tx: Tx, statement: string): Promise<void> {
  await tx.savepoint((inner) => inner.unsafe(statement)).catch(() => {});
}
