/** Operations on a whole clinic, in a database that limits each statement to 1.5 s. */
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/database/open.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { resolveMergeChains } from '../../src/patients/merge-chains.ts';
import { confirmMissing, findUnseen, markMissingOrHold } from '../../src/patients/missing-patients.ts';
import { interruptAndRun } from '../../src/sync/exclusive-transaction.ts';
import { connectInTest, test } from '../support/database.ts';

/** The fault occurred with 150,000 patients. The trigger below makes every tenth of these rows slower. */
const PATIENTS = 30_000;

const TIMEOUT = 180_000;

async function fill(sql: Sql): Promise<void> {
  await sql`
    insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, stored_at)
    select 123, (1400000000000000000 + n)::text, '{}', '\\x00', 0, now() - interval '1 day'
    from generate_series(1, ${PATIENTS}::int) as n`;
  await sql`analyze patients`;
  // Sleeps for 3 s in all: one statement for all rows exceeds the limit on every machine, a portion needs 0.1 s of it.
  await sql.unsafe(`create function slow_row() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.001); return coalesce(new, old); end $$`);
  await sql`create trigger slow_row before update or delete on patients for each row
    when (old.cliniko_patient_id like '%0') execute function slow_row()`;
}

async function openDatabaseWithTimeout(databaseUrl: string): Promise<Database> {
  const sql = connectInTest(databaseUrl);
  await fill(sql);
  const name = new URL(databaseUrl).pathname.slice(1);
  await sql`alter database ${sql(name)} set statement_timeout = '1500ms'`;
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  await saveOrganization(database, 123, {});
  return database;
}

describe('with a statement timeout', () => {
  test(
    'a whole clinic is held, confirmed, purged and deleted',
    async ({ databaseUrl }) => {
      const database = await openDatabaseWithTimeout(databaseUrl);
      const { sql } = database;
      await expect(sql`update patients set held_since = now()`).rejects.toMatchObject({ code: '57014' });

      const unseen = await findUnseen(sql, 123, new Set(), new Date());
      expect(unseen).toMatchObject({ stored: PATIENTS });
      expect(unseen.ids).toHaveLength(PATIENTS);
      const by = { createdAt: new Date(), isRecognized: false };
      const held = await interruptAndRun(sql, 123, (tx) => markMissingOrHold(tx, 123, unseen, by));
      expect(held).toEqual({ marked: 0, held: PATIENTS });

      expect(await interruptAndRun(sql, 123, (tx) => confirmMissing(tx, 123))).toBe(PATIENTS);
      const some = { kind: 'listed', ids: unseen.ids.slice(0, 5_000) } as const;
      expect(await eraseAndAudit(database, 123, some, () => undefined)).toMatchObject({ patients: 5_000 });
      const missing = { kind: 'missing', forDays: 0 } as const;
      expect(await eraseAndAudit(database, 123, missing, () => undefined)).toMatchObject({
        patients: PATIENTS - 5_000,
      });
    },
    TIMEOUT,
  );

  test(
    'a whole clinic is merged, and deleted with its organization',
    async ({ databaseUrl }) => {
      const database = await openDatabaseWithTimeout(databaseUrl);
      const { sql } = database;
      // Chains of three: the first patient points to the second, the second to the third.
      await connectInTest(databaseUrl).unsafe(`
      alter table patients disable trigger slow_row;
      set statement_timeout = 0;
      update patients set merged_into = (cliniko_patient_id::bigint + 1)::text where cliniko_patient_id::bigint % 3 < 2;
      alter table patients enable trigger slow_row`);
      await interruptAndRun(sql, 123, (tx) => resolveMergeChains(tx, 123));
      expect(
        await sql`select from patients as one join patients as next
        on next.organization_id = 123 and next.cliniko_patient_id = one.merged_into
        where one.organization_id = 123 and next.merged_into is not null limit 1`,
      ).toHaveLength(0);

      expect(await eraseOrganization(database, 123, { actor: 'test' })).toMatchObject({ patients: PATIENTS });
      expect(await sql`select from patients limit 1`).toHaveLength(0);
    },
    TIMEOUT,
  );
});
