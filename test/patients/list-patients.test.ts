/** The list of stored patients: complete by pages, searchable, and never cached. */
import { describe, expect } from 'vitest';
import { type ListedPatient, PatientList } from '#contract/patients.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

async function list(server: TestServer, query = ''): Promise<PatientList> {
  const response = await server.api(`/cliniko/patients/123${query}`);
  expect(response.status, query).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return PatientList.parse(await response.json());
}

async function everyPage(server: TestServer, query: string): Promise<ListedPatient[]> {
  const all: ListedPatient[] = [];
  for (let after = ''; ; ) {
    const { patients, next } = await list(server, `?limit=17${query}${after}`);
    all.push(...patients);
    if (next === null) return all;
    after = `&after=${next}`;
  }
}

describe('the patients of a clinic', () => {
  test('come page by page, ordered by Cliniko id, each once and in one state', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 100 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`update patients set missing_since = now() where id in (select id from patients order by id limit 3)`;
    const [merged] = await sql<{ count: number }[]>`
      select count(*)::int as count from patients where merged_into is not null and missing_since is null`;
    const shown = await everyPage(server, '');
    expect(shown.length).toBe(100 - 3 - (merged?.count ?? 0));
    const ids = shown.map((patient) => patient.cliniko_patient_id);
    expect(ids).toEqual([...new Set(ids)].sort());
    const byState = await Promise.all(
      ['active', 'archived', 'missing', 'merged'].map((state) => everyPage(server, `&state=${state}`)),
    );
    expect(byState.flat().length).toBe(100);
    expect(byState[2]?.length).toBe(3);
    for (const [index, state] of ['active', 'archived', 'missing', 'merged'].entries()) {
      for (const patient of byState[index] ?? []) expect(patient.state).toBe(state);
    }

    // By their ids, in whichever state; an id that is not stored is not in the answer.
    const wanted = byState.flatMap(([first]) => first?.cliniko_patient_id ?? []).sort();
    const found = await list(server, `?ids=${wanted.join()},7`);
    expect(found.patients.map((patient) => patient.cliniko_patient_id)).toEqual(wanted);
    expect(found.next).toBeNull();
    const everyId = byState.flat().map((patient) => patient.cliniko_patient_id);
    expect((await list(server, `?ids=${everyId.join()}`)).patients).toHaveLength(100);
    expect((await list(server, `?ids=${everyId.join()}&state=missing`)).patients).toHaveLength(3);
  });

  test('are found by a part of the name, the e-mail, the phone as people type it, and the id', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`update patients set first_name = 'Zoë', last_name = 'O''Brien_50%', email = 'zoe@example.org',
      phone = '+61412345678', archived_at = null, merged_into = null where id = (select min(id) from patients)`;
    const [row] = await sql<{ id: string }[]>`
      select cliniko_patient_id as id from patients where first_name = 'Zoë'`;
    const searches = [
      'zoë',
      "O'Brien",
      '_50%',
      'zoë o',
      'ZOE@example',
      '0412 345 678',
      '+61 412',
      row?.id ?? '',
    ];
    for (const search of searches) {
      const { patients } = await list(server, `?search=${encodeURIComponent(search)}`);
      expect(
        patients.map((patient) => patient.cliniko_patient_id),
        search,
      ).toContain(row?.id);
    }
    for (const search of ['_', '%']) {
      const { patients } = await list(server, `?search=${encodeURIComponent(search)}`);
      expect(patients.map((patient) => patient.cliniko_patient_id)).toEqual([row?.id]);
    }
    expect((await list(server, '?search=no such person')).patients).toEqual([]);
  });

  test('are found however a name is spelled in Unicode, and whatever blanks are around it', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 5 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    const decomposed = 'Zo\u00eb'.normalize('NFD');
    await sql`update patients set first_name = ${`${decomposed} `}, last_name = ${' van  Dyk'}, archived_at = null, merged_into = null
      where id = (select min(id) from patients)`;
    const [row] = await sql<{ id: string }[]>`
      select cliniko_patient_id as id from patients where last_name like '%Dyk'`;
    const found = async (path: string) => {
      const answer: unknown = await (await server.api(path)).json();
      return JSON.stringify(answer).includes(`"${row?.id}"`);
    };
    for (const name of ['Zo\u00eb', decomposed, 'ZO\u00cb VAN DYK', ' van dyk ', 'van  Dyk', '\u00eb van']) {
      const search = encodeURIComponent(name);
      expect(await found(`/cliniko/patients/123?search=${search}`), name).toBe(true);
      expect(await found(`/cliniko/active-patients/123?search=${search}`), name).toBe(true);
    }
  });

  test('link to their pages in Cliniko, by the subdomain that Cliniko names, and to none when it names none', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 3 });
    await wholeSync(server);
    const asked = () => server.cliniko.requests.filter(({ path }) => path === '/v1/settings/public').length;
    const isSettings = ({ path }: { path: string }) => path === '/v1/settings/public';
    server.cliniko.faults.onRequests(isSettings, {
      kind: 'garbage',
      body: { account: { subdomain: 'evil.example/' } },
    });
    for (const { cliniko_url } of (await list(server)).patients) expect(cliniko_url).toBeNull();
    // Refused once, it is not asked again for a while.
    await list(server);
    expect(asked()).toBe(1);
    server.cliniko.faults.clear();
    // Another key of the account: the stored address goes with the old key.
    const sql = connectInTest(databaseUrl);
    await sql`update cliniko_credentials set updated_at = now()`;
    for (const { cliniko_patient_id: id, cliniko_url } of (await list(server)).patients) {
      expect(cliniko_url).toMatch(
        new RegExp(`^https://simulated\\.[a-z]{2}\\d\\.cliniko\\.com/patients/${id}$`),
      );
    }
    await list(server);
    expect(asked()).toBe(2);
    const stored = async () =>
      (await sql<{ host: string | null }[]>`select account_host as host from cliniko_credentials`)[0]?.host;
    expect(await stored()).toMatch(/^simulated\./);
    // Another key may be of another account, whose patients have the same ids.
    const body = JSON.stringify({ api_key: 'MxAnother-au1' });
    await server.api('/organizations/123/cliniko-credentials', { method: 'PUT', body });
    expect(await stored()).toBeNull();
  });

  test.for(['?limit=0', '?limit=201', '?state=gone', '?after=x', `?search=${'x'.repeat(101)}`, '?ids=7,x'])(
    'refuse %s',
    async (query, { databaseUrl }) => {
      const server = await startTestServer(databaseUrl, { patients: 1 });
      expect((await server.api(`/cliniko/patients/123${query}`)).status).toBe(400);
    },
  );
});
