/** The table `patients` of the system being replaced: its columns are others, and nothing of it could be kept up to date. */
import type { ISql } from 'postgres';

export class ForeignPatientsError extends Error {
  override readonly name = 'ForeignPatientsError';
}

/** A schema takes its indexes and constraints along: only renamed, the table would leave their names in the way. */
const REMEDY = `There is a table "patients" of another program in this database. Move it out of the way, then start again:
  psql "$DATABASE_URL" -c 'create schema old_system' -c 'alter table patients set schema old_system'`;

/** @throws ForeignPatientsError */
export async function assertPatientsAreOurs(sql: ISql): Promise<void> {
  const rows = await sql`
    select from pg_class where oid = to_regclass('public.patients') and not exists (
      select from pg_attribute where attrelid = pg_class.oid and attname = 'content_hash' and not attisdropped)`;
  if (rows.length > 0) throw new ForeignPatientsError(REMEDY);
}
