/** A database as version 0.1 left it (version-0.1.sql), and what two databases have in common. */
import { readFile } from 'node:fs/promises';
import type { Sql } from 'postgres';

const VERSION_0_1 = new URL('./version-0.1.sql', import.meta.url);

/** Creates the tables of version 0.1 with their rows, as if its server had been killed 20 s ago. */
export async function loadVersion01(sql: Sql): Promise<void> {
  await sql.unsafe(await readFile(VERSION_0_1, 'utf8'));
  await sql.unsafe(`
    create temporary view shift as select now() - interval '20 seconds' - max(at) as by from sync_events;
    update sync_runs set lease_expires_at = lease_expires_at + shift.by, created_at = created_at + shift.by from shift;
    alter table sync_logs disable trigger user;
    update sync_logs set started_at = started_at + shift.by, completed_at = completed_at + shift.by from shift;
    alter table sync_logs enable trigger user;
    update sync_events set at = at + shift.by from shift;
    drop view shift`);
}

/** The rows of each table, by its name. */
export async function readRows(sql: Sql): Promise<Record<string, unknown[]>> {
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`;
  const rows: Record<string, unknown[]> = {};
  for (const { name } of tables) {
    const [all] = await sql<{ rows: unknown[] }[]>`
      select coalesce(jsonb_agg(to_jsonb(one) order by to_jsonb(one)::text), '[]') as rows from ${sql(name)} as one`;
    rows[name] = all?.rows ?? [];
  }
  return rows;
}

/**
 * Everything in the schema `public`, one line per fact: tables with their columns, defaults and settings, constraints, indexes,
 * sequences, functions with their source, triggers, policies, views and rights.
 *
 * @param owner appears as `owner`; each partition of a day without its day, because two databases may be created on
 *   different days
 */
export async function readCatalog(sql: Sql, owner: string): Promise<string[]> {
  const facts = await sql<{ fact: string }[]>`
    with relations as (select * from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')),
    routines as (select * from pg_proc where pronamespace = 'public'::regnamespace)
    select concat_ws(' ', 'relation', relname, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity,
      relreplident, relispartition, pg_get_userbyid(relowner)) as fact from relations
    union all select concat_ws(' ', 'column', relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
      attidentity, attgenerated, attstorage, attcollation::regcollation, pg_get_expr(adbin, adrelid))
      from relations join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
    union all select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
      from pg_constraint where connamespace = 'public'::regnamespace
    union all select concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid) from pg_index
      where indrelid in (select oid from relations)
    union all select concat_ws(' ', 'sequence', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle)
      from pg_sequence where seqrelid in (select oid from relations)
    union all select concat_ws(' ', 'function', pg_get_functiondef(oid), pg_get_userbyid(proowner)) from routines
    union all select concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled) from pg_trigger where tgrelid in (select oid from relations)
      and not tgisinternal
    union all select concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, polroles::regrole[],
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) from pg_policy where polrelid in (select oid from relations)
    union all select concat_ws(' ', 'view', relname, pg_get_viewdef(oid)) from relations where relkind in ('v', 'm')
    union all select concat_ws(' ', 'right', relname, attname, acl.grantee::regrole, acl.privilege_type, acl.is_grantable)
      from relations left join pg_attribute on attrelid = relations.oid and attacl is not null,
      aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)) || attacl) as acl
    union all select concat_ws(' ', 'right', oid::regprocedure, acl.grantee::regrole, acl.privilege_type, acl.is_grantable)
      from routines, aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl
    union all select concat_ws(' ', 'type', typname) from pg_type where typnamespace = 'public'::regnamespace and typtype <> 'c' and typelem = 0`;
  const plain = facts.map(({ fact }) =>
    fact.replaceAll(owner, 'owner').replaceAll(/_\d{8}\b|FOR VALUES FROM .*$/g, '_day'),
  );
  return [...new Set(plain)].sort();
}
