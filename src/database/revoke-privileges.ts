/**
 * Revokes the rights of every role except the owner of our tables, at each start and after each migration.
 *
 * Four kinds of role keep rights, limited to those listed here: the role of the servers where it is not the owner
 * (`MIGRATE_DATABASE_URL`), the role for row-level security, which owns nothing and answers requests bound to organizations
 * (access/row-level-security.ts), the roles of `DATABASE_READERS`, and the SQL readers. Every other right is revoked, whatever its
 * origin.
 * Each table has row-level security, so a right that is granted later exposes no row: its policy names these roles.
 *
 * Not here: objects of other programs in the same database. They are never touched.
 */
import type { ISql } from 'postgres';
import { JOURNAL_TABLE } from './migration-journal.ts';
import type { OwnObjects } from './own-objects.ts';
import {
  BASE_POLICY,
  type DatabaseObject,
  type Grant,
  ROW_SECURITY_POLICY,
  readObjects,
} from './privileges.ts';
import { columnsFor, isForSqlReaders, readSqlReaders, type SqlReader } from './reader-privileges.ts';
import { findViewReaders } from './views-of-others.ts';

export const ROW_SECURITY_ROLE = 'patient_sync_reader';

export interface DatabaseRoles {
  /** The role of `DATABASE_URL`, when it does not own the tables. */
  server?: string | undefined;
  /** `DATABASE_READERS` */
  readers: readonly string[];
  /** Whether the server may act as the role for row-level security. If not, that role gets no right either. */
  hasRowSecurityRole: boolean;
}

/** The tables that a role of `DATABASE_READERS` may read. The others hold sealed keys, tokens and internal state. */
const READABLE = new Set([
  'patients',
  'sync_logs',
  'organizations',
  'patients_current',
  'patient_details',
  'patient_identifiers',
]);
/** The only partitions that a server names: it deletes old rows there in batches (events/partitions.ts). */
const DEFAULT_PARTITIONS = new Set(['sync_events_other', 'patient_changes_other']);
/** The policies and views call these functions with the rights of the role that reads. */
const POLICY_FUNCTIONS = new Set([
  'sync_is_restricted',
  'sync_allowed_organizations',
  'sync_sql_reader_organizations',
  'sync_visible_organizations',
]);

/** With the SQL readers, read at each use: a command creates and removes them while servers run. */
interface AllRoles extends DatabaseRoles {
  sqlReaders: readonly SqlReader[];
}

/** The intended rights of a role on an object. */
interface Right {
  privileges: readonly string[];
  /** Only on these columns. */
  columns?: readonly string[] | undefined;
}

const NONE: Right = { privileges: [] };
const SELECT: Right = { privileges: ['SELECT'] };
const EXECUTE: Right = { privileges: ['EXECUTE'] };

/**
 * Call it as the owner, in a transaction.
 * @returns the roles that lost a right
 */
export async function revokeFromOthers(tx: ISql, own: OwnObjects, known: DatabaseRoles): Promise<string[]> {
  const roles: AllRoles = { ...known, sqlReaders: await readSqlReaders(tx) };
  const objects = (await readObjects(tx, own)).filter(({ ours }) => ours);
  const statements = objects.flatMap((object) => [
    ...rowSecurityStatements(object, roles),
    ...grantStatements(object, roles),
  ]);
  if (statements.length > 0) await tx.unsafe(statements.join(';\n'));
  return rolesWithMore(objects, roles);
}

/** The roles that have more rights on our objects than intended; `PUBLIC` for all roles. */
export async function findRolesWithMore(sql: ISql, own: OwnObjects, known: DatabaseRoles): Promise<string[]> {
  const roles: AllRoles = { ...known, sqlReaders: await readSqlReaders(sql) };
  const [objects, members, viewReaders] = [
    await readObjects(sql, own),
    await readMembers(sql, roles),
    await findViewReaders(sql, own, entitledRoles(roles)),
  ];
  return [...new Set([...rolesWithMore(objects, roles), ...members, ...viewReaders])].sort();
}

function rolesWithMore(objects: readonly DatabaseObject[], roles: AllRoles): string[] {
  const found = objects.flatMap((object) =>
    object.grants
      .filter((grant) => !isWithin(grant, rightOf(object, grant.role, roles)))
      .map(({ role }) => role ?? 'PUBLIC'),
  );
  return [...new Set(found)].sort();
}

/** The roles that may see rows of all organizations, beside the owner. */
const entitledRoles = ({ server, readers }: DatabaseRoles): string[] => [
  ...(server === undefined ? [] : [server]),
  ...readers,
];

const isWithin = ({ privileges, hasGrantOption, isWhole, columns }: Grant, allowed: Right) =>
  !hasGrantOption &&
  privileges.every((privilege) => allowed.privileges.includes(privilege)) &&
  (allowed.columns === undefined
    ? columns.length === 0
    : !isWhole && columns.every((column) => allowed.columns?.includes(column)));

const isComplete = ({ privileges, columns }: Grant, wanted: Right) =>
  wanted.privileges.every((privilege) => privileges.includes(privilege)) &&
  (wanted.columns ?? []).every((column) => columns.includes(column));

/** The intended rights of a role. */
function rightOf(object: DatabaseObject, role: string | null, roles: AllRoles): Right {
  if (role === null) return NONE;
  if (role === roles.server) return { privileges: privilegesOfServer(object) };
  if (role === ROW_SECURITY_ROLE && roles.hasRowSecurityRole) return rightOfRequests(object);
  const readsAll = roles.readers.includes(role);
  const sqlReader = roles.sqlReaders.find((one) => one.role === role);
  if (!readsAll && sqlReader === undefined) return NONE;
  const { kind, plainName } = object;
  if (kind !== 'TABLE') return kind === 'ROUTINE' && POLICY_FUNCTIONS.has(plainName) ? EXECUTE : NONE;
  return readsAll ? rightOfReaders(object) : rightOfSqlReader(object, sqlReader);
}

/** Of the roles of `DATABASE_READERS`, on a table or view. */
const rightOfReaders = ({ plainName, isPartition }: DatabaseObject): Right =>
  READABLE.has(plainName) && !isPartition ? SELECT : NONE;

function rightOfSqlReader(object: DatabaseObject, reader: SqlReader | undefined): Right {
  const readable = reader && columnsFor(reader, object);
  return readable === undefined ? NONE : { ...SELECT, ...readable };
}

/** Of the role for row-level security. */
function rightOfRequests(object: DatabaseObject): Right {
  if (object.kind === 'TABLE' && isOfOrganizations(object)) return SELECT;
  return object.kind === 'ROUTINE' && object.isHarmless && !object.isTrigger ? EXECUTE : NONE;
}

/** The rights that a server needs: it alters no table and changes no row of the audit log. */
function privilegesOfServer({ kind, plainName, isPartition, isTrigger }: DatabaseObject): readonly string[] {
  switch (kind) {
    case 'SEQUENCE':
      return ['SELECT', 'UPDATE', 'USAGE'];
    case 'ROUTINE':
      return isTrigger ? [] : ['EXECUTE'];
    case 'TABLE':
      if (isPartition) return DEFAULT_PARTITIONS.has(plainName) ? ['DELETE', 'SELECT'] : [];
      if (plainName === JOURNAL_TABLE) return ['SELECT'];
      if (plainName === 'audit_log') return ['INSERT', 'SELECT'];
      return ['DELETE', 'INSERT', 'SELECT', 'UPDATE'];
    default:
      return kind satisfies never;
  }
}

/** Not a view: no policy applies to it. */
const isOfOrganizations = ({ organizationColumn, isPartition, relkind }: DatabaseObject) =>
  organizationColumn !== null && !isPartition && relkind !== 'v';

function grantStatements(object: DatabaseObject, roles: AllRoles): string[] {
  const { kind, name, grants } = object;
  const on = `${kind} ${name}`;
  const statements: string[] = [];
  for (const grant of grants) {
    if (isWithin(grant, rightOf(object, grant.role, roles))) continue;
    statements.push(`REVOKE ALL ON ${on} FROM ${grant.role === null ? 'PUBLIC' : quote(grant.role)} CASCADE`);
  }
  for (const role of rolesWithRights(roles)) {
    const wanted = rightOf(object, role, roles);
    const grant = grants.find((one) => one.role === role);
    const isKept = grant !== undefined && isWithin(grant, wanted) && isComplete(grant, wanted);
    if (isKept || wanted.privileges.length === 0) continue;
    const columns = wanted.columns === undefined ? '' : ` (${wanted.columns.map(quote).join(', ')})`;
    statements.push(`GRANT ${wanted.privileges.join(', ')}${columns} ON ${on} TO ${quote(role)}`);
  }
  return statements;
}

const rolesWithRights = (roles: AllRoles): string[] => [
  ...(roles.hasRowSecurityRole ? [ROW_SECURITY_ROLE] : []),
  ...entitledRoles(roles),
  ...roles.sqlReaders.map(({ role }) => role),
];

/**
 * Enables row-level security without forcing it: the owner, its backups and other programs that log in as the owner see
 * every row.
 */
function rowSecurityStatements(object: DatabaseObject, roles: DatabaseRoles): string[] {
  const { kind, name, plainName, relkind, rowSecurity, isPartition } = object;
  if (kind !== 'TABLE' || (relkind !== 'r' && relkind !== 'p')) return [];
  const statements: string[] = [];
  if (!rowSecurity.on) statements.push(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`);
  if (rowSecurity.forced) statements.push(`ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY`);
  if (isPartition && !DEFAULT_PARTITIONS.has(plainName)) return statements;
  if (!rowSecurity.hasBase) statements.push(`CREATE POLICY ${BASE_POLICY} ON ${name} USING (true)`);
  const rule = policyRule(object, roles);
  if (rowSecurity.rule === rule) return statements;
  return [
    ...statements,
    `DROP POLICY IF EXISTS ${ROW_SECURITY_POLICY} ON ${name}`,
    `CREATE POLICY ${ROW_SECURITY_POLICY} ON ${name} AS RESTRICTIVE USING (${rule})`,
    // PostgreSQL stores the rule in its own words. The comment keeps ours, for the comparison of the next start.
    `COMMENT ON POLICY ${ROW_SECURITY_POLICY} ON ${name} IS ${quoteText(rule)}`,
  ];
}

/**
 * Which rows a role sees: the server, the readers and their members all, the role for row-level security those of the
 * organizations that the session names, an SQL reader those of its organizations, any other role none. The rule names roles
 * as text, because a policy `TO role` cannot be restored where the role does not exist.
 *
 * The subqueries make PostgreSQL evaluate them once per statement, not once per row. A role that may not call the functions
 * gets an error instead of no rows.
 */
function policyRule(object: DatabaseObject, roles: DatabaseRoles): string {
  const { organizationColumn, hasOrganizationList } = object;
  const names = entitledRoles(roles).toSorted().map(quoteText);
  const isEntitled = `EXISTS (SELECT FROM pg_roles WHERE rolname = ANY (ARRAY[${names.join(', ')}]::text[])
    AND pg_has_role(current_user, oid, 'USAGE'))`;
  const seesAll = `NOT (SELECT sync_is_restricted()) AND ${isEntitled}`;
  if (organizationColumn === null) return seesAll;
  const allowed = '(SELECT sync_allowed_organizations())::integer[]';
  const one = `${quote(organizationColumn)} = ANY (${allowed})`;
  // Of a row about several organizations, all have to be held.
  const held = hasOrganizationList ? `(${one} OR organizations <@ ${allowed})` : one;
  const rule = `${seesAll} OR (SELECT current_user)::text = '${ROW_SECURITY_ROLE}' AND ${held}`;
  if (!isForSqlReaders(object)) return rule;
  const readable = '(SELECT sync_sql_reader_organizations(current_user))::integer[]';
  return `${rule} OR ${quote(organizationColumn)} = ANY (${readable})`;
}

/**
 * The roles that may act as the owner, the server role or the role for row-level security, or that read or write all
 * tables and bypass row-level security. Not listed: a role with CREATEROLE, which is an administrator that can give itself
 * every right, and a role that may not connect to this database.
 */
async function readMembers(sql: ISql, { server }: DatabaseRoles): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    with ours (oid) as (
      select relowner from pg_class where oid = to_regclass('public.patients')
      union select oid from pg_roles where rolname in (${ROW_SECURITY_ROLE}, ${server ?? ROW_SECURITY_ROLE})
    ), act (word) as (
      select case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end
    )
    select distinct member.rolname as name from pg_roles as member, ours, act
    where member.oid not in (select oid from ours) and not member.rolsuper and not member.rolcreaterole
      and member.rolname <> session_user and member.rolname <> current_user
      and has_database_privilege(member.oid, current_database(), 'CONNECT')
      and (pg_has_role(member.oid, ours.oid, 'USAGE') or pg_has_role(member.oid, ours.oid, act.word)
        or member.rolbypassrls and exists (select from pg_roles as every where every.rolname in ('pg_read_all_data', 'pg_write_all_data')
          and (pg_has_role(member.oid, every.oid, 'USAGE') or pg_has_role(member.oid, every.oid, act.word))))`;
  return rows.map(({ name }) => name);
}

export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`;
