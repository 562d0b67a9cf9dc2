import { describe, expect, test } from 'vitest';
import { ForeignPatientsError } from '../../src/database/foreign-patients.ts';
import { migrate } from '../../src/database/migrate.ts';
import { createEmptyDatabase } from '../support/database.ts';

describe('a database with a table patients of another program', () => {
  test('is left as it is, and the refusal says how to go on', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create table patients (id uuid primary key, organization_id integer, cliniko_patient_id text,
      constraint patients_org_cliniko_patient_unique unique (organization_id, cliniko_patient_id))`;
    const refusal = await migrate(url).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ForeignPatientsError);
    expect(await sql`select from pg_tables where schemaname = 'public'`).toHaveLength(1);

    // The commands that the refusal names.
    const commands = [...String(refusal).matchAll(/-c '([^']+)'/g)].map(([, command = '']) => command);
    expect(commands).toHaveLength(2);
    for (const command of commands) await sql.unsafe(command);
    await migrate(url);
    await migrate(url);
    expect(await sql`select content_hash from patients`).toEqual([]);
    expect(await sql`select from old_system.patients`).toEqual([]);
  });
});
