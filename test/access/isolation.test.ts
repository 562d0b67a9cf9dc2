/**
 * Isolation of clinics: a token of one is tried against every resource of another.
 *
 * The list of routes comes from the app itself, so a new route is covered automatically.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { PatientState, QuarantineReason } from '#contract/patients.ts';
import { CheckReason } from '#contract/patients-to-check.ts';
import { SyncStatus } from '#contract/sync-log.ts';
import { requirementFor } from '../../src/access/route-policy.ts';
import { test } from '../support/database.ts';
import { startSocket } from '../support/socket.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { type GuardedServer, nameOf, OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

/** An organization that does not exist. */
const UNREGISTERED = 303;

interface Secrets {
  run: number;
  patient: string;
  quarantined: string;
}

/** A clinic with every kind of data: a run, patients, a quarantined record, audit entries. */
async function fill(server: GuardedServer): Promise<Secrets> {
  const stream = await openStream(server.streamUrl(THEIRS), { authorization: `Bearer ${server.admin}` });
  await server.as(server.admin, `/cliniko/sync-all/${THEIRS}`, { method: 'POST' });
  await stream.until(hasEnded);
  stream.close();
  const { sql } = server.database;
  await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
    values (${THEIRS}, 'k', '777000777', 'INVALID_PHONE', 'v1')`;
  const [run] = await sql<{ id: number }[]>`select id from sync_logs where organization_id = ${THEIRS}`;
  const [patient] = await sql<{ id: string }[]>`select cliniko_patient_id as id from patients limit 1`;
  return { run: run?.id ?? 0, patient: patient?.id ?? '', quarantined: '777000777' };
}

const fillIn = (pattern: string, orgId: number, id: number) =>
  pattern
    .replace(':orgId', String(orgId))
    .replace(':id', String(id))
    .replace(/:\w+/g, '1')
    .replace('/*', '/x');

describe('a token of one clinic', () => {
  test('gets no data of another from any route, and cannot learn whether it exists', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 120 });
    const secrets = await fill(server);
    const tokens = await Promise.all(
      (['read', 'sync', 'admin'] as const).map((scope) => server.token({ scope })),
    );
    const routes = server.routes.filter(({ path }) => path.startsWith('/api/') && path !== '/*');
    expect(routes.length).toBeGreaterThan(20);

    const ask = async (method: string, path: string, token: string, body: string | undefined) => {
      const response = await server.as(token, path.slice('/api/v1'.length), { method, body });
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      const text = isStream ? 'a stream' : await response.text();
      if (isStream) await response.body?.cancel();
      return { status: response.status, text, headers: withoutTheRequest(response.headers) };
    };
    const tryIt = async (method: string, pattern: string, token: string, sent?: string, query = '') => {
      const body = method === 'GET' || method === 'HEAD' ? undefined : sent;
      const { organizationSegment, needsAllOrganizations } = requirementFor(method, pattern);
      const what = `${method} ${pattern}${query} ${body}`;
      // Their organization: refused, with the same text as one that does not exist.
      const theirs = await ask(method, fillIn(pattern, THEIRS, secrets.run) + query, token, body);
      const ofUnregistered = await ask(
        method,
        fillIn(pattern, UNREGISTERED, secrets.run) + query,
        token,
        body,
      );
      // Where the path names no organization, both are the same request, and only what changes with time may differ.
      if (pattern.includes(':orgId')) expect(theirs, what).toEqual(ofUnregistered);
      if (organizationSegment !== undefined || needsAllOrganizations) expect(theirs.status, what).toBe(403);
      // Of ours, but with the id of a thing of theirs: as if that did not exist.
      const mixed = await ask(method, fillIn(pattern, OURS, secrets.run) + query, token, body);
      expect(mixed.status, `${what} ${mixed.text}`).not.toBe(500);
      for (const { text } of [theirs, mixed]) expectNothingOf(text, secrets);
    };
    for (const { method, path } of routes) {
      for (const token of tokens) await tryIt(method === 'ALL' ? 'GET' : method, path, token, '{}');
    }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.constantFrom(...tokens),
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'),
        fc.constantFrom(
          '',
          '{}',
          `{"organizations":[${THEIRS}]}`,
          '{"name":"taken over"}',
          '{"api_key":"x"}',
        ),
        fc.constantFrom(
          '',
          `?organization_id=${THEIRS}`,
          `?before=${secrets.run}`,
          '?limit=100',
          '?organizations=*',
        ),
        ({ path }, token, method, body, query) => tryIt(method, path, token, body, query),
      ),
      { numRuns: 120 },
    );
    expect(
      await server.database.sql`select count(*)::int as count from sync_logs
      where organization_id in (${THEIRS}, ${UNREGISTERED})`,
    ).toEqual([{ count: 1 }]);
    expect(await server.database.sql`select name from organizations where id = ${THEIRS}`).toEqual([
      { name: nameOf(THEIRS) },
    ]);
  });

  test('is answered 404 for a run of another, as for one that never was', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5 });
    const { run } = await fill(server);
    const token = await server.token({ scope: 'admin' });
    for (const tail of ['', '/timeline']) {
      const theirs = await server.as(token, `/cliniko/sync-logs/${OURS}/${run}${tail}`);
      const never = await server.as(token, `/cliniko/sync-logs/${OURS}/999999${tail}`);
      expect([theirs.status, never.status]).toEqual([404, 404]);
      expect((await theirs.text()).replace(String(run), '')).toBe((await never.text()).replace('999999', ''));
    }
  });

  test('gets nothing of another on any stream, however it asks', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 60 });
    const secrets = await fill(server);
    const headers = { authorization: `Bearer ${await server.token({ scope: 'admin' })}` };
    const cursor = await server.as(server.admin, `/cliniko/sync-logs/${THEIRS}`);
    const head = cursor.headers.get('etag')?.replaceAll('"', '') ?? '';
    const early = `${head.split('.')[0]}.0`;
    for (const query of ['', `?since=${early}`, `?since=${head}`]) {
      const theirs = await fetch(server.streamUrl(THEIRS, query), { headers });
      const ofUnregistered = await fetch(server.streamUrl(UNREGISTERED, query), { headers });
      expect([theirs.status, await theirs.text()]).toEqual([403, await ofUnregistered.text()]);
    }
    const ours = await openStream(server.streamUrl(OURS, `?since=${early}`), headers);
    const sockets = [
      '?organizations=*',
      `?organizations=${THEIRS}`,
      `?organizations=${OURS},${THEIRS}`,
      '',
    ].map((query) => startSocket(server, query, { headers }));
    for (const socket of sockets) {
      await socket.until('hello');
      for (const [id, organizations] of [
        ['a', '*'],
        ['b', [THEIRS]],
        ['c', [OURS, THEIRS]],
      ] as const)
        socket.send({
          type: 'subscribe',
          id,
          organizations,
          since: { [THEIRS]: early, [OURS]: early },
          conflate_ms: 0,
        });
      await socket.until('error', 2);
    }
    for (const id of [THEIRS, OURS])
      await server.as(server.admin, `/cliniko/sync-all/${id}`, { method: 'POST' });
    await ours.until(hasEnded);
    for (const socket of sockets) await socket.until('completed');
    const everything = [ours.text(), ...sockets.flatMap(({ texts }) => texts)].join('\n');
    expectNothingOf(everything, secrets);
    expect(everything).not.toMatch(new RegExp(`"organization_id":${THEIRS}\\b`));
  });
});

// Row-level security restricts only tokens of some clinics, so this shows whether each statement filters by itself.
describe('a token of all clinics', () => {
  test('gets answers about one clinic that no data of another changes', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 30 });
    const { sql } = server.database;
    const { next } = await (await server.as(server.admin, `/cliniko/patients/${OURS}/changes`)).json();
    const patterns = server.routes
      .filter(({ method, path }) => /^(GET|ALL)$/.test(method) && path.includes(':orgId'))
      .map(({ path }) => path)
      .filter((path) => !requirementFor('GET', path).isStream);
    const id = server.cliniko.people.idOf(1);
    const questions: [string, string[]][] = [
      ['', ['', '?format=csv', '?limit=100']],
      [
        '/patients/:orgId',
        [...PatientState.options.map((state) => `?state=${state}`), `?ids=${id}`, `?search=${id}`],
      ],
      ['/patients/:orgId/changes', ['?since=all', `?since=${next}`]],
      ['/sync-logs/:orgId', SyncStatus.options.map((status) => `?status=${status}`)],
    ];
    const paths = patterns.flatMap((pattern) => {
      const asked = questions.flatMap(([end, queries]) => (pattern.endsWith(end) ? queries : []));
      const reasons = pattern.includes(':reason') ? CheckReason.options : [''];
      return reasons.flatMap((reason) =>
        asked.map((query) => `${fillIn(pattern.replace(':reason', reason), OURS, 1)}${query}`),
      );
    });
    const answers = async (): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      for (const path of paths) {
        const answer = await server.as(server.admin, path.slice('/api/v1'.length));
        const text = (await answer.text()).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time');
        found.set(path, `${answer.status} ${text}`);
      }
      return found;
    };

    const before = await answers();
    await fill(server);
    await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
      select ${THEIRS}, reason, '777', reason, 'v1' from unnest(${QuarantineReason.options}::text[]) as reason`;
    const mark = async (column: 'missing_since' | 'held_since' | 'archived_at', from: number) =>
      await sql`update patients set ${sql(column)} = now(), warnings = 2
        where id in (select id from patients order by id limit 3 offset ${from})`;
    await mark('missing_since', 0);
    await mark('held_since', 3);
    await mark('archived_at', 6);
    const after = await answers();
    expect([...before].filter(([path, text]) => after.get(path) !== text)).toEqual([]);
    expect(before.size).toBeGreaterThan(50);
  });
});

/** What differs between any two answers. */
function withoutTheRequest(headers: Headers): Record<string, string> {
  const { date: _date, 'x-request-id': _id, ...rest } = Object.fromEntries(headers);
  return rest;
}

function expectNothingOf(text: string, { patient, quarantined }: Secrets): void {
  expect(text).not.toContain(nameOf(THEIRS));
  expect(text).not.toContain(`"organization_id":${THEIRS}`);
  expect(text).not.toContain(patient);
  expect(text).not.toContain(quarantined);
}
