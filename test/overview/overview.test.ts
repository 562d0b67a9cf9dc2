/** The overview of a server with organizations in every state, whose rows other programs could have written too. */
import type { Sql } from 'postgres';
import { describe, expect } from 'vitest';
import { OVERVIEW_STATES, Overview, RecentRuns } from '#contract/overview.ts';
import { readOverview } from '../../src/overview/read-overview.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson } from '../support/server.ts';

const NIGHTLY = { cron: '0 2 * * *', time_zone: 'Australia/Sydney' };

/** One organization in each state, in the order of precedence; each also has what makes the states after its own. */
const ORGANIZATIONS = {
  running: 1,
  queued: 2,
  paused: 3,
  failed: 4,
  overdue: 5,
  held: 6,
  with_errors: 7,
  never: 8,
  ok: 9,
  cancelled: 10,
  overdueNever: 11,
};

async function fill(sql: Sql): Promise<void> {
  const { held, with_errors, never, ok, cancelled, overdueNever, ...rest } = ORGANIZATIONS;
  const isLate = Object.values(rest);
  await sql`
    insert into organizations (id, name, country, time_zone, validation, schedule, next_sync_at, longest_interval_s, scheduled_since)
    select id, '=Clinic ' || id, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}',
      ${JSON.stringify(NIGHTLY)}::text::jsonb, now() + interval '9 hours', 86400,
      case when id = ${overdueNever} then now() - interval '3 days' else now() end
    from unnest(${Object.values(ORGANIZATIONS)}::int[]) as id`;
  await sql`update organizations set paused_at = now() where id in (1, 2, 3)`;
  const log = async (ids: number[], age: string, status: string, metadata: object, failed = 0) => {
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, records_failed, metadata)
      select id, 'full_patients', ${status}, (now() - ${age}::interval) at time zone 'utc',
        case when ${status} <> 'running' then (now() - ${age}::interval) at time zone 'utc' end, ${failed},
        ${JSON.stringify(metadata)}::text::jsonb
      from unnest(${ids}::int[]) as id order by id`;
  };
  await log(isLate, '50 hours', 'completed', {});
  await log([held, with_errors, ok, cancelled], '47 hours', 'completed', {});
  await log([1, 2, 3, 4], '3 hours', 'failed', { error_type: 'CLINIKO_UNAVAILABLE' });
  await log([with_errors], '2 hours', 'completed', {}, 3);
  await log([4, cancelled], '1 hour', 'failed', { error_type: 'SYNC_CANCELLED' });
  await log([1], '1 minute', 'running', { phase: 'storing' });
  await log([2], '1 minute', 'running', { phase: 'queued' });
  await sql`insert into quarantine (organization_id, record_key, reason, sealed_raw)
    select id, 'k', 'INVALID_PHONE', 'v1' from unnest(${[...isLate, held]}::int[]) as id`;
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, held_since)
    select id, '7', '{}', '', 0, now() from unnest(${[...isLate, held]}::int[]) as id`;
}

describe('the overview', () => {
  test('has each organization in the first state that applies, in pages, as JSON and as CSV', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    await fill(server.database.sql);
    const read = async (query: string) => {
      const response = await server.as(server.admin, `/overview${query}`);
      return { status: response.status, ...Overview.parse(await response.json()) };
    };
    const { organizations, next } = await read('');
    const states = Object.fromEntries(organizations.map((row) => [row.organization_id, row.state]));
    const expected = Object.entries(ORGANIZATIONS).map(([state, id]) => {
      return [id, state === 'cancelled' ? 'ok' : state === 'overdueNever' ? 'overdue' : state];
    });
    expect(states).toEqual(Object.fromEntries(expected));
    expect(new Set(Object.values(states))).toEqual(new Set(OVERVIEW_STATES));
    expect(next).toBeNull();
    expect(organizations[3]).toMatchObject({
      organization_id: 4,
      name: '=Clinic 4',
      cause: 'CLINIKO_UNAVAILABLE',
      last_success_at: expect.stringMatching(/Z$/),
      last_success_age_s: expect.any(Number),
      next_run_at: expect.stringMatching(/Z$/),
      latest: { status: 'failed', metadata: { error_type: 'SYNC_CANCELLED' } },
      ...{ errors: 0, quarantine: 1, held: 1, paused: false },
    });
    expect(organizations[2]).toMatchObject({ state: 'paused', paused: true, next_run_at: null });
    expect(organizations[6]).toMatchObject({ state: 'with_errors', errors: 3, cause: null });
    expect(organizations[7]).toMatchObject({ state: 'never', latest: null, last_success_age_s: null });

    const first = await read('?state=ok&state=overdue&limit=2');
    expect(first.organizations.map((row) => row.organization_id)).toEqual([5, 9]);
    const second = await read(`?state=ok&state=overdue&limit=2&after=${first.next}`);
    expect(second).toMatchObject({ organizations: [{ organization_id: 10 }, { organization_id: 11 }] });
    expect(second.next).toBeNull();

    const csv = await server.as(server.admin, '/overview?format=csv&limit=4');
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(csv.headers.get('link')).toBe('<?format=csv&limit=4&after=4>; rel="next"');
    const lines = (await csv.text()).split('\r\n');
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^organization_id,name,state,cause,last_success_at,/);
    expect(lines[4]).toMatch(/^4,'=Clinic 4,failed,CLINIKO_UNAVAILABLE,2/);
    for (const [query, field] of [
      ['?state=fine', 'state'],
      ['?limit=1001', 'limit'],
      ['?format=xml', 'format'],
      ['?after=-1', 'after'],
    ]) {
      const refused = await server.as(server.admin, `/overview${query}`);
      expect([refused.status, await refused.json()]).toMatchObject([400, { field }]);
    }
  });

  test('shows a token only its organizations', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { organizations } = await (await server.as(await server.token(), '/overview')).json();
    expect(organizations).toMatchObject([{ organization_id: OURS, state: 'never' }]);
    const csv = await (await server.as(await server.token(), '/overview?format=csv')).text();
    expect(csv).not.toContain(String(THEIRS));

    const { sql } = server.database;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select org, 'full_patients', status, (now() - age) at time zone 'utc', now() at time zone 'utc'
      from unnest(array[${OURS}::int, ${THEIRS}, 999]) as org,
        (values ('completed', interval '1 hour'), ('failed', interval '2 hours'), ('failed', interval '2 days')) as run (status, age)`;
    const runsOf = async (token: string, query = '') => {
      const { runs } = RecentRuns.parse(await (await server.as(token, `/runs${query}`)).json());
      return runs.map(({ organization_id, status }) => `${organization_id} ${status}`);
    };
    expect(await runsOf(await server.token())).toEqual([`${OURS} completed`, `${OURS} failed`]);
    // Those of an organization that is not registered too: another program runs its syncs.
    expect((await runsOf(server.admin)).sort()).toEqual(
      [OURS, THEIRS, 999].flatMap((id) => [`${id} completed`, `${id} failed`]).sort(),
    );
    expect(await runsOf(server.admin, '?status=failed&limit=2')).toHaveLength(2);
    const since = new Date(Date.now() - 90 * 60_000).toISOString();
    expect(await runsOf(await server.token(), `?since=${since}`)).toEqual([`${OURS} completed`]);
    expect((await server.as(server.admin, '/runs?since=two')).status).toBe(400);
  });
});

describe('a success at a time that only another program writes', () => {
  test.for([
    ['0001-01-01 00:00', 'ok', '0001-01-01T00:00:00.000Z', expect.any(Number)],
    ['0044-03-15 BC', 'ok', expect.any(String), expect.any(Number)],
    ['1955-11-05 06:00', 'ok', '1955-11-05T06:00:00.000Z', expect.any(Number)],
    ['-infinity', 'ok', null, null],
    // It is not known when that was.
    ['9999-12-31 23:59', 'never', null, null],
    ['infinity', 'never', null, null],
  ] as const)('%s costs no other figure', async ([time, state, at, age], { databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    await server.database.sql`
      insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (${OURS}, 'legacy', 'completed', ${time}::text::timestamp, ${time}::text::timestamp)`;
    for (const query of ['', `?state=${state}`, '?limit=2']) {
      const response = await server.as(server.admin, `/overview${query}`);
      expect([query, response.status]).toEqual([query, 200]);
      const { organizations } = Overview.parse(await response.json());
      const ours = organizations.find((row) => row.organization_id === OURS);
      expect(ours).toMatchObject({ state, last_success_at: at, last_success_age_s: age });
    }
    const action = { action: 'resume', filter: { state: [state] } };
    const operation = await server.as(server.admin, '/operations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    expect(operation.status).toBe(200);
  });
});

describe('the overview of thousands of organizations', () => {
  const EVERYTHING = { organizations: '*', states: [], after: 0, limit: 20, isPaused: false } as const;

  async function insertMany(sql: Sql): Promise<void> {
    await sql`insert into organizations (id, country, time_zone, validation)
      select id, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}' from generate_series(1, 4100) as id`;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select id, 'full_patients', 'failed', now() at time zone 'utc', now() at time zone 'utc' from unnest(array[10, 4050]) as id`;
  }

  test('computes a page from its own organizations, and a filter by state reads on until the page is full', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await insertMany(sql);
    const scans = await sql.begin(async (tx) => {
      const read = async () => {
        const [row] = await tx<{ scans: number }[]>`
          select (seq_scan + idx_scan)::int as scans from pg_stat_xact_user_tables where relname = 'sync_logs'`;
        return row?.scans ?? 0;
      };
      const before = await read();
      const { rows, next } = await readOverview(tx, EVERYTHING);
      expect([rows.length, next]).toEqual([20, 20]);
      return (await read()) - before;
    });
    // A few lookups for each of the 21 organizations that it reads, of 4,100.
    expect(scans).toBeLessThan(21 * 10);

    const failed = { ...EVERYTHING, states: ['failed' as const], limit: 1 };
    const first = await readOverview(sql, failed);
    expect([first.rows.map((row) => row.organization_id), first.next]).toEqual([[10], 10]);
    const second = await readOverview(sql, { ...failed, after: 10 });
    expect([second.rows.map((row) => row.organization_id), second.next]).toEqual([[4050], null]);
    const own = await readOverview(sql, { ...failed, organizations: new Set([9, 4050]), limit: 20 });
    expect(own.rows.map((row) => row.organization_id)).toEqual([4050]);
    expect((await readOverview(sql, { ...failed, states: ['held'] })).rows).toEqual([]);
  });
});

describe('a pause of everything', () => {
  test('needs an administrator of all organizations, is audited, and shows in the overview', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const pause = (token: string, body: object) =>
      server.as(token, '/pause', { method: 'PUT', body: JSON.stringify(body) });
    for (const token of [
      await server.token({ scope: 'admin' }),
      await server.token({ scope: 'sync', organizations: '*' }),
    ]) {
      expect((await pause(token, { paused: true })).status).toBe(403);
      expect((await server.as(token, '/pause')).status).toBe(403);
    }
    const settings = async () =>
      await (await server.as(await server.token(), `/organizations/${OURS}`)).json();
    await putJson((path, init) => server.as(server.admin, path, init), `/organizations/${OURS}`, {
      schedule: NIGHTLY,
    });
    expect(await settings()).toMatchObject({ next_sync_at: expect.any(String) });
    const paused = await (await pause(server.admin, { paused: true, reason: 'Cliniko moves house' })).json();
    expect(paused).toEqual({
      ...{ paused: true, reason: 'Cliniko moves house', paused_at: expect.any(String) },
      paused_by: 'Administrator',
    });
    // A clinic whose reader may not ask about everything still learns that its schedules rest.
    expect(await settings()).toMatchObject({ paused: false, everything_paused: true, next_sync_at: null });
    expect(await (await server.as(server.admin, '/pause')).json()).toEqual(paused);
    const states = async () => {
      const { organizations } = await (await server.as(await server.token(), '/overview')).json();
      return organizations.map((row: { state: string }) => row.state);
    };
    expect(await states()).toEqual(['paused']);
    // A new reason begins no new pause.
    const longer = { paused: true, reason: 'It takes longer' };
    expect(await (await pause(server.admin, longer)).json()).toEqual({ ...paused, ...longer });
    expect((await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' })).status).toBe(200);
    expect(await (await pause(server.admin, { paused: false })).json()).toMatchObject({ paused: false });
    expect(await states()).not.toEqual(['paused']);
    expect(await settings()).toMatchObject({ everything_paused: false, next_sync_at: expect.any(String) });
    const actions = await server.database.sql<{ action: string }[]>`
      select action from audit_log where action like 'pause.%' order by id`;
    expect(actions.map(({ action }) => action)).toEqual(['pause.begin', 'pause.begin', 'pause.end']);
    expect((await pause(server.admin, { paused: 'yes' })).status).toBe(400);
  });
});

describe('a pause of one organization', () => {
  test('is set, read back with its time, audited, and ends with the next firing planned', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const api = (path: string, init?: RequestInit) => server.as(server.admin, path, init);
    const path = `/organizations/${OURS}`;
    await putJson(api, path, { schedule: NIGHTLY });
    await putJson(api, path, { paused: true, paused_reason: 'The clinic moves' });
    const paused = await (await api(path)).json();
    expect(paused).toMatchObject({ paused: true, paused_reason: 'The clinic moves', next_sync_at: null });
    expect(Date.parse(paused.paused_at)).not.toBeNaN();
    expect(paused.paused_by).toBe('Administrator');
    // A new schedule does not end the pause, and a new reason begins no other one.
    await putJson(api, path, { schedule: [NIGHTLY], paused: true });
    expect(await (await api(path)).json()).toEqual({ ...paused, schedule: [NIGHTLY] });
    const longer = { paused_reason: 'It takes longer' };
    await putJson(api, path, longer);
    expect(await (await api(path)).json()).toEqual({ ...paused, schedule: [NIGHTLY], ...longer });
    await putJson(api, path, { paused: false });
    expect(await (await api(path)).json()).toMatchObject({
      ...{ paused: false, paused_reason: null, paused_at: null, paused_by: null },
      next_sync_at: expect.any(String),
    });
    for (const body of [{ paused_reason: 'why' }, { paused_at: '2026-01-01T00:00:00Z' }])
      expect((await api(path, { method: 'PUT', body: JSON.stringify(body) })).status).toBe(400);
    const actions = await server.database.sql<{ action: string }[]>`
      select action from audit_log where organization_id = ${OURS} and action in ('organization.pause', 'organization.resume')
      order by id`;
    expect(actions.map(({ action }) => action)).toEqual(['organization.pause', 'organization.resume']);
  });
});
