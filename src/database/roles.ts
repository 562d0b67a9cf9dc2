/**
 * The roles other than the owner: the role for row-level security, which belongs to the cluster and is not in a dump, so
 * every start creates it if needed; the role of the servers; and the readers that an operator names.
 */
import type { ISql } from 'postgres';
import type { Tx } from './open.ts';
import { quote, ROW_SECURITY_ROLE } from './revoke-privileges.ts';

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
 * Creates the role for row-level security, and lets `user` act as it.
 *
 * @param user the role of the servers
 * @returns whether `user` may act as it; if not, the start logs it (access/row-level-security.ts)
 */
export async function ensureRowSecurityRole(tx: Tx, user: string): Promise<boolean> {
  if (!(await rowSecurityRoleExists(tx))) await attempt(tx, `CREATE ROLE ${ROW_SECURITY_ROLE} NOLOGIN`);
  if (!(await rowSecurityRoleExists(tx))) return false;
  if (!(await mayAct(tx, user))) {
    const [row] = await tx<{ modern: boolean }[]>`
      select current_setting('server_version_num')::integer >= 160000 as modern`;
    await attempt(
      tx,
      `GRANT ${ROW_SECURITY_ROLE} TO ${quote(user)}${row?.modern === true ? ' WITH SET TRUE' : ''}`,
    );
  }
  await ensureSchemaUsage(tx, ROW_SECURITY_ROLE);
  return await mayAct(tx, user);
}

/** `role`: it does not exist. `grant`: it exists, and the user may not act as it. */
export type RowSecurityGap = 'none' | 'role' | 'grant';

/**
 * What only an administrator can provide of the role for row-level security.
 *
 * @param sql as the role that migrates: the next start creates and grants what that role may
 * @param user the role of the servers
 */
export async function findRowSecurityGap(sql: ISql, user: string): Promise<RowSecurityGap> {
  if (await mayUseRowSecurityRole(sql, user)) return 'none';
  const exists = await rowSecurityRoleExists(sql);
  const [self] = await sql<{ creates: boolean; grants: boolean }[]>`
    select rolsuper or rolcreaterole as creates, rolsuper
        or rolcreaterole and current_setting('server_version_num')::integer < 160000
        or ${exists ? sql`pg_has_role(${ROW_SECURITY_ROLE}, 'MEMBER WITH ADMIN OPTION')` : false} as grants
      from pg_roles where rolname = current_user`;
  if (exists) return self?.grants === true ? 'none' : 'grant';
  return self?.creates === true ? 'none' : 'role';
}

export async function mayUseRowSecurityRole(sql: ISql, user: string): Promise<boolean> {
  return (await rowSecurityRoleExists(sql)) && (await mayAct(sql, user));
}

async function mayAct(sql: ISql, user: string): Promise<boolean> {
  const [row] = await sql<{ may: boolean }[]>`select pg_has_role(${user}, ${ROW_SECURITY_ROLE},
    case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end) as may`;
  return row?.may === true;
}

/** Without USAGE a role cannot access any table of the schema. */
export async function ensureSchemaUsage(tx: Tx, user: string): Promise<void> {
  const [row] = await tx<
    { usage: boolean }[]
  >`select has_schema_privilege(${user}, 'public', 'USAGE') as usage`;
  if (row?.usage !== true) await attempt(tx, `GRANT USAGE ON SCHEMA public TO ${quote(user)}`);
}

async function rowSecurityRoleExists(sql: ISql): Promise<boolean> {
  return (await sql`select from pg_roles where rolname = ${ROW_SECURITY_ROLE}`).length > 0;
}

/**
 * An error, such as a missing right or a concurrent change from another database of the cluster, leaves the transaction
 * usable.
 *
 * @returns whether it worked
 */
export async function attempt(tx: Tx, statement: string): Promise<boolean> {
  return await tx
    .savepoint((inner) => inner.unsafe(statement))
    .then(
      () => true,
      () => false,
    );
}
