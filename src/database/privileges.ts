/**
 * The rights that roles other than the owner have on our tables, partitions, sequences, functions and migration journal.
 *
 * They are read from the catalog, so the origin of a right does not matter: a default privilege of the platform, a manual
 * GRANT, an older version.
 *
 * Not here: which role should have which right (revoke-privileges.ts).
 */
import type { ISql } from 'postgres';
import type { OwnObjects } from './own-objects.ts';

export interface DatabaseObject {
  kind: 'TABLE' | 'SEQUENCE' | 'ROUTINE';
  /** The name for a statement: `public.patients`, `public.sync_epoch()`. */
  name: string;
  /** Without schema and arguments. */
  plainName: string;
  /** Whether the role of this connection may grant and revoke. */
  ours: boolean;
  grants: readonly Grant[];
  /** For a table that is not a partition: the column with the organization of a row. */
  organizationColumn: string | null;
  /** A table with a column for rows about several organizations, `organizations`, beside that column. */
  hasOrganizationList: boolean;
  isPartition: boolean;
  /** `r`, `p`: tables; `v`, `m`: views; null for anything else. */
  relkind: string | null;
  rowSecurity: RowSecurity;
  /** Of a table or view. */
  columns: readonly string[];
  /** A view that reads with the rights of its caller, so that row-level security applies to it. */
  readsAsCaller: boolean;
  /** Whether a function only reads, and nothing that its caller may not read. */
  isHarmless: boolean;
  isTrigger: boolean;
}

interface RowSecurity {
  on: boolean;
  forced: boolean;
  /** That of our restrictive policy, as its comment keeps it; empty without a comment, null without the policy. */
  rule: string | null;
  /** Whether the table has the policy that lets the restrictive one decide. */
  hasBase: boolean;
}

export interface Grant {
  /** Null: `PUBLIC`, which means all roles. */
  role: string | null;
  privileges: readonly string[];
  hasGrantOption: boolean;
  /** Whether it applies to the object as a whole. */
  isWhole: boolean;
  /** The single columns to which it applies. */
  columns: readonly string[];
}

/** Restrictive, so that no policy of another program shows more rows than it does. */
export const ROW_SECURITY_POLICY = 'organization_isolation';
/** Always true: a restrictive policy alone shows no row. */
export const BASE_POLICY = 'organization_isolation_decides';

export async function readObjects(sql: ISql, own: OwnObjects): Promise<DatabaseObject[]> {
  return await sql<DatabaseObject[]>`
    with recursive tables (oid, is_partition) as (
      select oid, false from pg_class where relnamespace = 'public'::regnamespace
        and relname = any(${own.relations as string[]}::text[]) and relkind in ('r', 'p', 'v', 'm', 'S') and not relispartition
      union all
      select inhrelid, true from pg_inherits join tables on inhparent = tables.oid
    ), relations (oid, is_partition) as (
      select oid, is_partition from tables
      union select depend.objid, false from pg_depend as depend
      where depend.classid = 'pg_class'::regclass and depend.refclassid = 'pg_class'::regclass and depend.deptype in ('a', 'i')
        and depend.refobjid in (select oid from tables)
        and exists (select from pg_class where pg_class.oid = depend.objid and relkind = 'S')
    ), objects as (
      select case relkind when 'S' then 'SEQUENCE' else 'TABLE' end as kind, format('%I.%I', nspname, relname) as name,
        relname as plain_name, relowner as owner, relkind, is_partition, relrowsecurity, relforcerowsecurity,
        class.oid as table_oid, false as is_harmless, false as is_trigger,
        coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))
          || array(select entry.acl from pg_attribute, unnest(attacl) as entry (acl)
               where attrelid = class.oid and attacl is not null) as acl,
        coalesce(relacl, '{}') as whole_acl,
        array(select attname::text from pg_attribute where attrelid = class.oid and attnum > 0 and not attisdropped) as columns,
        exists (select from pg_options_to_table(reloptions) where option_name = 'security_invoker' and option_value::boolean)
          as reads_as_caller
      from relations join pg_class as class using (oid) join pg_namespace as space on space.oid = relnamespace
      union all
      select 'ROUTINE', format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(function.oid)), proname, proowner,
        null, false, false, false, null,
        provolatile <> 'v' and (not prosecdef or proname in ('sync_epoch', 'sync_sql_reader_organizations')), prorettype = 'trigger'::regtype,
        coalesce(proacl, acldefault('f', proowner)), coalesce(proacl, acldefault('f', proowner)), '{}', false
      from pg_proc as function join pg_namespace as space on space.oid = pronamespace
      where pronamespace = 'public'::regnamespace and proname = any(${own.functions as string[]}::text[])
    )
    select kind, name, plain_name as "plainName", pg_has_role(current_user, owner, 'USAGE') as ours, relkind,
      columns, reads_as_caller as "readsAsCaller", is_partition as "isPartition", is_harmless as "isHarmless", is_trigger as "isTrigger",
      case when plain_name = 'organizations' then 'id' else (select attname from pg_attribute
        where attrelid = table_oid and attname = 'organization_id' and not attisdropped) end as "organizationColumn",
      exists (select from pg_attribute where attrelid = table_oid and attname = 'organizations' and not attisdropped)
        as "hasOrganizationList",
      json_build_object('on', relrowsecurity, 'forced', relforcerowsecurity, 'rule', (
        select coalesce(obj_description(pg_policy.oid, 'pg_policy'), '') from pg_policy
        where polrelid = table_oid and polname = ${ROW_SECURITY_POLICY} and not polpermissive), 'hasBase', exists (
        select from pg_policy where polrelid = table_oid and polname = ${BASE_POLICY})) as "rowSecurity",
      (select coalesce(json_agg(json_build_object('role', role, 'privileges', privileges, 'hasGrantOption', has_option,
          'isWhole', exists (select from aclexplode(whole_acl) as whole where whole.grantee = granted.grantee),
          'columns', array(select distinct attname from pg_attribute, aclexplode(attacl) as single
            where attrelid = table_oid and single.grantee = granted.grantee order by attname))), '[]')
        from (
          select grantee, case when grantee <> 0 then pg_get_userbyid(grantee) end as role,
            array_agg(distinct privilege_type order by privilege_type) as privileges, bool_or(is_grantable) as has_option
          from aclexplode(acl) where grantee <> owner group by grantee
        ) as granted) as grants
    from objects order by kind, name`;
}
