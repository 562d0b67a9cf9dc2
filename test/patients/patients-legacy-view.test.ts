/** The view `patients_legacy`, as the guide for movers creates it. */
import type { Sql } from 'postgres';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { prepareDatabase } from '../../src/database/prepare.ts';
import { readLegacyPatients } from '../../src/legacy/legacy-patients.ts';
import { createPlatform, grantByDefault } from '../database/support/platform.ts';
import { commandsOf } from '../docs/support/guides.ts';
import { connectInTest } from '../support/database.ts';

async function createView(sql: Sql): Promise<void> {
  const commands = await commandsOf('guides/moving-from-the-old-system.md');
  const text = commands.find((command) => command.text.includes('create view public.patients_legacy'))?.text;
  await sql.unsafe(/<<'SQL'\n(.*?)^SQL$/ms.exec(text ?? '')?.[1] ?? 'no view');
}

const insertPatients = (sql: Sql) => sql`
  insert into patients (organization_id, cliniko_patient_id, first_name, last_name, archived_at, missing_since, merged_into,
    raw, content_hash, warnings, stored_at)
  values (1, '11', 'Grace', 'Example', null, null, null, '{}', '', 0, '2026-01-01'),
    (1, '12', null, 'Archived', '2026-01-01', null, null, '{}', '', 0, '2026-01-01'),
    (1, '13', 'Gone', null, null, '2026-01-01', null, '{}', '', 0, '2026-01-01'),
    (1, '14', 'Merged', null, null, null, '11', '{}', '', 0, '2026-01-01'),
    (2, '21', 'Changed', 'Later', null, null, null, '{}', '', 0, '2026-09-01')`;

/** In the transaction in which the run of active patients ended: that run did not find this patient. */
const insertHeldPatient = (sql: Sql) => sql`
  insert into patients (organization_id, cliniko_patient_id, first_name, held_since, raw, content_hash, warnings, stored_at)
  values (1, '15', 'Held', '2026-03-01 01:00:00.0004', '{}', '', 0, '2026-01-01')`;

const insertRuns = (sql: Sql) => sql`
  insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
  values (1, 'full_patients', 'completed', '2026-02-01', '2026-02-01 01:00:00'),
    (1, 'active_patients', 'completed', '2026-03-01', '2026-03-01 01:00:00'),
    (1, 'full_patients', 'failed', '2026-04-01', '2026-04-01 01:00:00'),
    (2, 'full_patients', 'completed', '2026-02-01', '2026-02-01 01:00:00')`;

describe('the view patients_legacy', () => {
  test('has the old columns and says the same as the old list; only readers may use it', async () => {
    const platform = await createPlatform();
    const [analyst, anonymous] = [await platform.createRole(), await platform.createRole()];
    await grantByDefault(platform, anonymous);
    await prepareDatabase({ url: platform.ownerUrl, readers: [analyst] });
    const owner = connectInTest(platform.ownerUrl);
    await insertPatients(owner);
    await insertHeldPatient(owner);
    await insertRuns(owner);
    await createView(owner);
    await owner.unsafe(`grant select on patients_legacy to ${analyst}`);

    const reader = connectInTest(platform.urlOf(analyst));
    expect(
      await reader`select id, organization_id, name, is_active, activity_status, last_synced_at::text as synced
        from patients_legacy order by id`,
    ).toEqual([
      {
        id: '11',
        organization_id: 1,
        name: 'Grace Example',
        is_active: true,
        activity_status: 'active',
        synced: '2026-03-01 01:00:00+00',
      },
      {
        id: '12',
        organization_id: 1,
        name: 'Archived',
        is_active: false,
        activity_status: 'inactive',
        synced: '2026-02-01 01:00:00+00',
      },
      {
        id: '15',
        organization_id: 1,
        name: 'Held',
        is_active: true,
        activity_status: 'active',
        synced: '2026-02-01 01:00:00+00',
      },
      {
        id: '21',
        organization_id: 2,
        name: 'Changed Later',
        is_active: true,
        activity_status: 'active',
        synced: '2026-09-01 00:00:00+00',
      },
    ]);
    const database = openDatabase(platform.ownerUrl, { max: 1 });
    const { patients } = await readLegacyPatients(database.sql, 1, { limit: 10, offset: 0 });
    await database.close();
    expect(patients).toMatchObject([
      { id: '11', name: 'Grace Example', last_synced_at: '2026-03-01T01:00:00.000Z' },
      { id: '15', name: 'Held', last_synced_at: '2026-02-01T01:00:00.000Z' },
    ]);

    // The platform granted the view to this role by default: that is no way around the tables.
    const other = connectInTest(platform.urlOf(anonymous));
    await expect(other`select from patients_legacy`.execute()).rejects.toThrow('permission denied');
    await prepareDatabase({ url: platform.ownerUrl, readers: [analyst] });
    await expect(other`select from patients_legacy`.execute()).rejects.toThrow('permission denied');
  });
});
