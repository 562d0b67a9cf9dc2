/**
 * A database as a hosting platform provides it: an ordinary owner, and roles to which default privileges grant all rights.
 */
import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { inject, onTestFinished } from 'vitest';
import { connectInTest, createEmptyDatabase } from '../../support/database.ts';
import { connectPostgres } from '../../support/postgres.ts';

export interface Platform {
  /** Logs in as the owner of the database, which may create roles. */
  ownerUrl: string;
  owner: string;
  /** A superuser in the same database. */
  admin: Sql;
  /** A role for this test, without any right. */
  createRole(options?: string): Promise<string>;
  urlOf(role: string): string;
}

export async function createPlatform(ownerOptions = 'createrole'): Promise<Platform> {
  const { url, sql: admin } = await createEmptyDatabase();
  const cluster = connectPostgres(inject('databaseAdminUrl'));
  const roles: string[] = [];
  const database = new URL(url).pathname.slice(1);
  // Roles of tests that run beside this one belong to the same cluster.
  await cluster.unsafe(`revoke connect on database ${database} from public`);
  onTestFinished(async () => {
    // The last role first: a role that another role created is dropped before it.
    for (const role of roles.reverse()) {
      await admin.unsafe(`drop owned by ${role} cascade`).catch(() => {});
      await cluster.unsafe(`drop owned by ${role} cascade; drop role ${role}`).catch(() => {});
    }
    await cluster.end();
  });
  const createRole = async (options = '') => {
    const role = `u_${randomBytes(6).toString('hex')}`;
    await cluster.unsafe(`create role ${role} login password 'plain' ${options}`);
    roles.push(role);
    await cluster.unsafe(`grant connect on database ${database} to ${role}`);
    return role;
  };
  const urlOf = (role: string) => {
    const own = new URL(url);
    [own.username, own.password] = [role, 'plain'];
    return own.href;
  };
  const owner = await createRole(ownerOptions);
  // Another database of this cluster may have created the role for row-level security; each owner may act as it.
  await cluster.unsafe(`do $$ begin create role patient_sync_reader nologin;
    exception when duplicate_object or unique_violation then null; end $$; grant patient_sync_reader to ${owner} with admin option`);
  await admin.unsafe(`alter schema public owner to ${owner};
    grant create on database ${database} to ${owner}`);
  return { ownerUrl: urlOf(owner), owner, admin, createRole, urlOf };
}

/** As Supabase did until 2026. */
export async function grantByDefault({ admin, owner }: Platform, role: string): Promise<void> {
  for (const kind of ['tables', 'sequences', 'functions']) {
    await admin.unsafe(
      `alter default privileges for role ${owner} in schema public grant all on ${kind} to ${role}`,
    );
  }
}

export interface Reach {
  object: string;
  /** The rights of the role on it. */
  rights: string;
}

/** The objects of the schema `public` that a role can access, according to PostgreSQL. */
export async function reachOf(admin: Sql, role: string): Promise<Reach[]> {
  return await admin<Reach[]>`
    select object, rights from (
      select relname as object, concat_ws(' ', ${tableRights(admin, role)}) as rights
      from pg_class where relkind in ('r', 'p', 'v', 'm')
        and relnamespace = 'public'::regnamespace
      union all
      select relname, case when has_sequence_privilege(${role}, oid, 'USAGE, SELECT, UPDATE') then 'sequence' else '' end
      from pg_class where relkind = 'S'
        and relnamespace = 'public'::regnamespace
      union all
      select proname, case when has_function_privilege(${role}, oid, 'EXECUTE') then 'execute' else '' end
      from pg_proc where pronamespace = 'public'::regnamespace
    ) as reach where rights <> '' order by object`;
}

function tableRights(sql: Sql, role: string) {
  const words = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'];
  const columns = new Set(['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']);
  const parts = words.map((word) =>
    columns.has(word)
      ? sql`case when has_any_column_privilege(${role}, oid, ${word}) then ${word}::text end`
      : sql`case when has_table_privilege(${role}, oid, ${word}) then ${word}::text end`,
  );
  return parts.reduce((list, part) => sql`${list}, ${part}`);
}

/** Connects as a role without rights or visible rows. */
export function connectAs(platform: Platform, role: string): Sql {
  return connectInTest(platform.urlOf(role));
}
