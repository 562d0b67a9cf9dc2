/**
 * Views of other programs that read our tables with the rights of their owner, so that a role with a right on the view
 * reads our rows. A platform that grants each new object of the owner to a role grants such a view too.
 *
 * They are reported and never changed, like every object of another program.
 */
import type { ISql } from 'postgres';
import type { OwnObjects } from './own-objects.ts';

/**
 * @param entitled roles that may read our tables anyway
 * @returns the other roles with a right on such a view; `PUBLIC` for all roles
 */
export async function findViewReaders(
  sql: ISql,
  own: OwnObjects,
  entitled: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    with recursive ours (oid) as (
      select oid from pg_class where relnamespace = 'public'::regnamespace
        and relname = any(${own.relations as string[]}::text[]) and relkind in ('r', 'p', 'v', 'm')
    ), reading (oid) as (
      select oid from ours
      union
      select ev_class from reading
        join pg_depend on refclassid = 'pg_class'::regclass and refobjid = reading.oid and classid = 'pg_rewrite'::regclass
        join pg_rewrite on pg_rewrite.oid = objid
    ), views as (
      select class.oid, relowner, relacl from reading join pg_class as class using (oid)
      where relkind in ('v', 'm') and class.oid not in (select oid from ours)
        and not exists (select from pg_options_to_table(reloptions)
          where option_name = 'security_invoker' and option_value::boolean)
        and (pg_get_userbyid(relowner) = any(${entitled as string[]}::text[]) or pg_has_role(relowner,
          (select relowner from pg_class where oid = to_regclass('public.patients')), 'USAGE'))
    ), granted (grantee, owner) as (
      select grantee, relowner from views, aclexplode(relacl)
      union
      select grantee, relowner from views join pg_attribute on attrelid = views.oid, aclexplode(attacl)
    )
    select distinct coalesce(role.rolname, 'PUBLIC') as name
    from granted left join pg_roles as role on role.oid = grantee
    where grantee <> owner and role.rolsuper is not true and coalesce(role.rolname <> all(${entitled as string[]}::text[]), true)`;
  return rows.map(({ name }) => name);
}
