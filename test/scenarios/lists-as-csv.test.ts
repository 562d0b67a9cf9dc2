/** The lists of runs, of quarantined records and of absent patients as CSV, for a spreadsheet. */
import { expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const LONGEST_ID = '1234567890123456789';

test('lists are also answered as CSV, with every digit of an id and no cell that begins like a formula', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 5 });
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, error_details, metadata)
    select 123, 'full_patients', 'failed', '2026-11-20 02:00'::timestamp + make_interval(hours => n),
      '2026-11-20 02:01', '=HYPERLINK("x"), failed', '{"error_type": "CLINIKO_UNAVAILABLE", "retry_at": "2026-11-20T02:05:00.000Z"}'
    from generate_series(1, 3) as n`;
  await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
    values (123, 'a', ${LONGEST_ID}, 'INVALID_PHONE', 'v1'), (123, 'b', null, 'MISSING_ID', 'v1')`;
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, held_since, missing_since)
    values (123, ${LONGEST_ID}, '{}', '', 0, '2026-11-20T02:00:00Z', null),
      (123, '7', '{}', '', 0, null, '2026-11-21T02:00:00Z'), (123, '8', '{}', '', 0, null, null)`;
  const csv = async (path: string) => {
    const response = await server.api(`/cliniko${path}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    return { link: response.headers.get('link'), lines: (await response.text()).split('\r\n') };
  };

  const runs = await csv('/sync-logs/123?format=csv&limit=2');
  expect(runs.lines[0]).toBe(
    'id,organization_id,operation_type,status,started_at,completed_at,records_processed,records_success,records_failed,error_type,error_details,trigger,schedule,retry_of,retry_at',
  );
  expect(runs.lines[1]).toMatch(
    /^3,123,full_patients,failed,2026-11-20T05:00:00.000Z,.*,CLINIKO_UNAVAILABLE,"'=HYPERLINK\(""x""\), failed",external,,,2026-11-20T02:05:00.000Z$/,
  );
  expect(runs.link).toBe('<?format=csv&limit=2&before=2>; rel="next"');
  const rest = await csv('/sync-logs/123?format=csv&limit=2&before=2');
  expect([rest.lines.length, rest.link]).toEqual([3, null]);

  expect((await csv('/patients/123/missing?format=csv')).lines).toEqual([
    'cliniko_patient_id,state,since',
    `'${LONGEST_ID},held,2026-11-20T02:00:00.000Z`,
    "'7,missing,2026-11-21T02:00:00.000Z",
    '',
  ]);
  expect(await (await server.api('/cliniko/patients/123/missing')).json()).toMatchObject({
    held_ids: [LONGEST_ID],
    missing_ids: ['7'],
  });

  const quarantine = (await csv('/quarantine/123?format=csv')).lines;
  expect(quarantine[0]).toBe('id,cliniko_patient_id,reason,first_seen_at,last_seen_at,attempts');
  expect(
    quarantine
      .slice(1, 3)
      .map((line) => line.split(',').slice(1, 3))
      .sort(),
  ).toEqual(
    [
      [`'${LONGEST_ID}`, 'INVALID_PHONE'],
      ['', 'MISSING_ID'],
    ].sort(),
  );
  expect((await server.api('/cliniko/quarantine/123?format=xlsx')).status).toBe(400);
});
