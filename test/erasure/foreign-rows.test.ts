/** Erasing patients that other programs have named in `sync_logs`, in forms of their own. */
import { expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { test } from '../support/database.ts';

const [STORED, QUARANTINED] = ['1400000000000000001', '1400000000000000002'];
const GONE = 'The reason named a patient who was erased, so it was not kept.';

test.for([
  ['of listed patients', { kind: 'listed', ids: [STORED, QUARANTINED] }],
  ['of all patients', { kind: 'all' }],
] as const)(
  'an erasure %s leaves no line and no reason about them, in the table and in the events',
  async ([, target], { databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    const { sql } = database;
    await saveOrganization(database, 123, {});
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
    values (123, ${STORED}, '{}', '', 0)`;
    await sql`insert into quarantine (organization_id, record_key, reason, sealed_raw)
    values (123, ${QUARANTINED}, 'MISSING_EMAIL', '')`;
    const write = (details: string, metadata: string | null) =>
      sql`insert into sync_logs (organization_id, operation_type, status, started_at, error_details, metadata)
      values (123, 'legacy', 'failed', now(), ${details}, ${metadata}::text::jsonb)`;
    const named = `{"failed": [{"patient_id": ${STORED}, "name": "Oona"}]}`;
    await write(named, JSON.stringify({ error: named, errors: [{ id: QUARANTINED, name: 'Oona' }, named] }));
    await write(`Patient ${QUARANTINED} (Oona): no email`, null);
    await write('', JSON.stringify({ error: `${STORED}: Oona` }));
    const kept = { error_details: `Batch ${STORED}0 failed`, metadata: { errors: { of: 'another shape' } } };
    await write(kept.error_details, JSON.stringify(kept.metadata));

    await eraseAndAudit(database, 123, target, () => undefined);
    expect(await sql`select error_details, metadata from sync_logs order by id`).toEqual([
      { error_details: GONE, metadata: { error: GONE, errors: [] } },
      { error_details: GONE, metadata: null },
      { error_details: '', metadata: { error: GONE } },
      kept,
    ]);
    expect(await sql`select from sync_events where row::text ~ 'Oona'`).toHaveLength(0);
  },
);
