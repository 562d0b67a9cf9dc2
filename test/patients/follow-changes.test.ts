/** `GET /patients/:orgId/changes`: where a client starts, how it continues, and why it has to start over. */
import { describe, expect } from 'vitest';
import { PatientChanges } from '#contract/patient-change.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

async function changesOf(server: TestServer, query = ''): Promise<PatientChanges> {
  const response = await server.api(`/cliniko/patients/123/changes${query}`);
  expect(response.status, query).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return PatientChanges.parse(await response.json());
}

const idsOf = ({ changes }: PatientChanges) => changes.map((change) => change.cliniko_patient_id);

describe('the changes of patients over HTTP', () => {
  test('start now, at a cursor or with everything; a client that cannot continue gets the reason', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const sql = connectInTest(databaseUrl);
    // Numbered like ours, and none of ours.
    for (const id of ['1', '2'])
      await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
        values (9, ${id}, '{}', '', 0)`;
    const empty = await changesOf(server);
    expect(empty).toMatchObject({ changes: [], recovered: true, reason: null });
    expect(empty.next).toMatch(/^[a-z0-9]+\.0$/);
    expect(await changesOf(server, '?since=all')).toEqual(empty);

    const { id } = await wholeSync(server);
    const { next, changes } = await changesOf(server, `?since=${empty.next}&limit=10`);
    expect(changes.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(changes[0]).toMatchObject({ kind: 'created', sync_log_id: id });
    expect(next).toBe(changes[9]?.cursor);
    const rest = await changesOf(server, `?since=${next}`);
    expect(rest.changes[0]?.seq).toBe(11);
    expect(await changesOf(server, `?since=${rest.next}`)).toEqual({ ...empty, next: rest.next });
    expect((await changesOf(server)).next).toBe(rest.next);

    const page = await changesOf(server, '?since=all&limit=20');
    expect(page.changes[0]).toMatchObject({ seq: null, cursor: null, sync_log_id: null, kind: 'created' });
    const [first = ''] = idsOf(page);
    await sql`delete from patients where cliniko_patient_id = ${first}`;
    const last = await changesOf(server, `?since=${page.next}&limit=20`);
    expect([...idsOf(page), ...idsOf(last)]).toHaveLength(30);
    const after = await changesOf(server, `?since=${last.next}`);
    expect(after.changes).toMatchObject([{ kind: 'erased', cliniko_patient_id: first, sync_log_id: null }]);

    await sql`delete from patient_changes where organization_id = 123
      and seq = (select min(seq) from patient_changes where organization_id = 123)`;
    const [epoch] = after.next.split('.');
    const lost = { changes: [], next: after.next, recovered: false };
    for (const [since, reason] of [
      ['nonsense', 'malformed'],
      [`${epoch}.999999999999999999`, 'future'],
      ['other.1', 'epoch'],
      [`${epoch}.1`, 'trimmed'],
      [`all.other.1.${first}`, 'epoch'],
      [`all.${epoch}.1.${first}`, 'trimmed'],
    ]) {
      expect(await changesOf(server, `?since=${since}`), since).toEqual({ ...lost, reason });
    }
    for (const query of ['?limit=0', '?limit=1001', '?limit=x']) {
      expect((await server.api(`/cliniko/patients/123/changes${query}`)).status, query).toBe(400);
    }
  });

  test('have no gap: a client before one, which the clock of the database left, has to start over', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const { next: start } = await changesOf(server);
    await wholeSync(server);
    const { next: head } = await changesOf(server);
    const sql = connectInTest(databaseUrl);
    const rows = await sql<{ seq: string }[]>`select seq from patient_changes order by seq`;
    const lost = { changes: [], next: head, recovered: false, reason: 'trimmed' };
    // Retention deletes by time: the clock had gone back by weeks while these were made, first one in the middle, then the last.
    for (const gone of [rows[1], rows.at(-1)]) {
      await sql`update patient_changes set at = at - interval '20 days' where seq = ${gone?.seq ?? ''}`;
      await sql`select sync_events_maintain(14, 7)`;
      expect(await changesOf(server, `?since=${start}`)).toEqual(lost);
    }
    const [epoch] = start.split('.');
    expect(await changesOf(server, `?since=${epoch}.${rows.at(-2)?.seq}`)).toEqual(lost);
    expect(await changesOf(server, `?since=${head}`)).toMatchObject({ changes: [], recovered: true });
  });
});
