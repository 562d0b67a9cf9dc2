/**
 * The routes that clients of the old service call, one test for each: status 200, every field with its type, none missing and
 * none more. The moving guide names these tests.
 */
import { describe, expect } from 'vitest';
import type { z } from 'zod';
import * as answers from './support/answers.ts';
import {
  FOREIGN,
  NEW,
  type OldService,
  SYNCED,
  test,
  UNKNOWN,
  untilEnded,
  WITHOUT_KEY,
} from './support/old-service.ts';

type Row = readonly [route: string, path: string, answer: z.ZodType];

async function check(service: OldService, method: string, path: string, answer: z.ZodType): Promise<unknown> {
  const { status, body } = await service.ask(method, path);
  expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200);
  const parsed = answer.safeParse(body);
  expect(parsed.error?.issues ?? [], path).toEqual([]);
  return body;
}

const READS: readonly Row[] = [
  ['GET /cliniko/status/:org', '/cliniko/status/ORG', answers.Status],
  [
    'GET /cliniko/status/:org with logs and health check',
    '/cliniko/status/ORG?include_logs=true&include_health_check=true&logs_limit=3',
    answers.StatusWithAll,
  ],
  ['GET /cliniko/sync-logs/:org', '/cliniko/sync-logs/ORG?limit=3', answers.Logs],
  ['GET /cliniko/active-patients/:org', '/cliniko/active-patients/ORG?limit=500', answers.ActivePatients],
  [
    'GET /cliniko/active-patients-summary/:org',
    '/cliniko/active-patients-summary/ORG',
    answers.ActiveSummary,
  ],
  [
    'GET /cliniko/active-patients/:org/summary',
    '/cliniko/active-patients/ORG/summary',
    answers.ActiveSummary,
  ],
  ['GET /cliniko/patients/:org/stats', '/cliniko/patients/ORG/stats', answers.Stats],
  [
    'GET /cliniko/patients/:org/stats with details',
    '/cliniko/patients/ORG/stats?include_details=true',
    answers.StatsWithDetails,
  ],
  ['GET /sync/history/:org', '/sync/history/ORG?limit=5', answers.History],
  ['GET /sync/dashboard/:org', '/sync/dashboard/ORG', answers.SyncDashboard],
  ['GET /cliniko/sync/dashboard/:org', '/cliniko/sync/dashboard/ORG', answers.SyncDashboard],
  ['GET /dashboard/:org', '/dashboard/ORG?activity_limit=3', answers.Dashboard],
  ['GET /dashboard/:org/summary', '/dashboard/ORG/summary', answers.Dashboard],
  ['GET /dashboard/:org/activity', '/dashboard/ORG/activity?limit=3', answers.Dashboard],
  ['GET /admin/organization-services/:org', '/admin/organization-services/ORG', answers.Services],
];

describe('reads of one organization', () => {
  test.for(READS)('%s', async ([, path, answer], { service }) => {
    const trailingSlash = path.replace(/(\?|$)/, '/$1');
    for (const id of [SYNCED, NEW, WITHOUT_KEY, FOREIGN, UNKNOWN]) {
      await check(service, 'GET', path.replace('ORG', String(id)), answer);
    }
    await check(service, 'GET', trailingSlash.replace('ORG', String(SYNCED)), answer);
  });

  test('GET /sync/status/organization/:org', async ({ service }) => {
    for (const id of [SYNCED, WITHOUT_KEY, FOREIGN]) {
      await check(service, 'GET', `/sync/status/organization/${id}`, answers.NewestProgress);
    }
    await check(service, 'GET', `/sync/status/organization/${UNKNOWN}`, answers.NoSync);
  });

  test('GET /sync/status/:syncId and /sync/progress/:syncId', async ({ service }) => {
    for (const id of [SYNCED, WITHOUT_KEY, FOREIGN]) {
      const { body } = await service.ask('GET', `/sync/status/organization/${id}`);
      const { sync_id } = answers.NewestProgress.parse(body);
      for (const name of ['status', 'progress']) {
        await check(service, 'GET', `/sync/${name}/${sync_id}`, answers.Progress);
      }
    }
    for (const unknown of ['sync_123_20200101_000000', 'sync_999_20260101_000000', 'no-id']) {
      const { status, body } = await service.ask('GET', `/sync/status/${unknown}`);
      expect(status, unknown).toBe(404);
      answers.Problem.parse(body);
    }
  });

  test('GET /sync/active', async ({ service }) => {
    await check(service, 'GET', '/sync/active', answers.Active);
  });

  test('GET /health needs no account', async ({ service }) => {
    const response = await fetch(`${service.url}/health`);
    expect(response.status).toBe(200);
    answers.Health.parse(await response.json());
  });

  test('GET /cliniko/test-connection/:org', async ({ service }) => {
    const before = service.cliniko.requests.length;
    const connected = await check(service, 'GET', `/cliniko/test-connection/${SYNCED}`, answers.Connected);
    expect(connected).toMatchObject({
      practitioners_count: 3,
      total_patients_available: 60,
      total_patients: 60,
      sample_patients_available: true,
      sample_patients_count: 1,
    });
    expect(service.cliniko.requests.slice(before).map(({ path }) => path)).toEqual([
      '/v1/patients',
      '/v1/practitioners',
    ]);
    await check(service, 'GET', `/cliniko/test-connection/${WITHOUT_KEY}`, answers.NotConnected);
    expect((await service.ask('GET', `/cliniko/test-connection/${UNKNOWN}`)).status).toBe(404);
  });

  test('GET /cliniko/test-connection/:org says what fails, after one request', async ({ service }) => {
    const { behaviour, faults } = service.cliniko;
    const cases = [
      ['CLINIKO_AUTH_FAILED', () => Object.assign(behaviour, { access: 'unauthorised' })],
      ['CLINIKO_FORBIDDEN', () => Object.assign(behaviour, { access: 'forbidden' })],
      ['CLINIKO_UNAVAILABLE', () => void faults.onPage(1, { kind: 'status', status: 503, times: 1 })],
      ['CLINIKO_RATE_LIMITED', () => void faults.onPage(1, { kind: 'rate-limited', reset: 1, times: 1 })],
    ] as const;
    for (const [error, arrange] of cases) {
      arrange();
      const before = service.cliniko.requests.length;
      const path = `/cliniko/test-connection/${SYNCED}`;
      const answer = await check(service, 'GET', path, answers.NotConnected);
      expect(answer, error).toMatchObject({ error });
      expect(service.cliniko.requests.length - before, error).toBe(1);
      behaviour.access = 'allowed';
    }
  });
});

describe('the counts of all answers', () => {
  test('agree', async ({ service }) => {
    const read = async (path: string) => (await service.ask('GET', path)).body;
    const { active, total } = (await read(`/cliniko/patients/${SYNCED}/summary`)) as {
      active: number;
      total: number;
    };
    expect(total).toBe(60);
    const counts = { total_patients: total, active_patients: active };
    expect(await read(`/cliniko/status/${SYNCED}`)).toMatchObject({
      ...counts,
      synced_patients: total,
      sync_percentage: 100,
    });
    expect(await read(`/sync/dashboard/${SYNCED}`)).toMatchObject({ patient_stats: counts });
    expect(await read(`/dashboard/${SYNCED}`)).toMatchObject({
      summary: { ...counts, synced_patients: total },
    });
    expect(await read(`/cliniko/active-patients-summary/${SYNCED}`)).toMatchObject({
      total_active_patients: active,
    });
    const list = answers.ActivePatients.parse(await read(`/cliniko/active-patients/${SYNCED}?limit=500`));
    expect(list.total_count).toBe(active);
    expect(list.patients).toHaveLength(active);
    expect(list.patients).toEqual(list.active_patients);
  });

  test('are zeros for an organization that does not exist', async ({ service }) => {
    const { body } = await service.ask('GET', `/cliniko/status/${UNKNOWN}`);
    expect(body).toMatchObject({
      status: 'no_data',
      total_patients: 0,
      active_patients: 0,
      sync_percentage: 0,
      last_sync_time: null,
    });
  });

  test('read rows of other programs as completed and failed, never as running', async ({ service }) => {
    const { body } = await service.ask('GET', `/sync/history/${FOREIGN}?limit=100`);
    const history = answers.History.parse(body);
    expect(history).toMatchObject({ total_syncs: 6, successful_syncs: 3, failed_syncs: 3 });
    for (const log of history.sync_history) {
      expect(log.status).not.toBe('running');
      if (log.status === 'failed') expect(log.error_details).toEqual(expect.any(String));
    }
  });
});

const STARTS: readonly Row[] = [
  ['POST /cliniko/sync-all/:org', '/cliniko/sync-all/ORG', answers.Started],
  ['POST /cliniko/sync-comprehensive/:org', '/cliniko/sync-comprehensive/ORG/', answers.Started],
  ['POST /cliniko/sync-simple/:org', '/cliniko/sync-simple/ORG', answers.Started],
  [
    'POST /cliniko/sync/:org',
    '/cliniko/sync/ORG?mode=basic&force_full=true&unknown=x',
    answers.StartedInMode,
  ],
  ['POST /cliniko/sync/schedule/:org', '/cliniko/sync/schedule/ORG', answers.Scheduled],
];

describe('starts', () => {
  test.for(STARTS)('%s', async ([, path, answer], { service }) => {
    await check(service, 'POST', path.replace('ORG', String(NEW)), answer);
    expect(await untilEnded(service, NEW)).toMatchObject({ status: 'completed' });
    await check(service, 'POST', path.replace('ORG', String(WITHOUT_KEY)), answer);
    expect(await untilEnded(service, WITHOUT_KEY)).toMatchObject({ status: 'failed' });
    expect((await service.ask('POST', path.replace('ORG', String(UNKNOWN)))).status).toBe(404);
  });

  test('POST /sync/trigger', async ({ service }) => {
    const { status, body } = await service.ask('POST', '/sync/trigger', { 'x-organization-id': String(NEW) });
    expect(status).toBe(200);
    expect(answers.Triggered.parse(body).sync_started).toBe(true);
    await untilEnded(service, NEW);
    expect((await service.ask('POST', '/sync/trigger')).status).toBe(400);
  });

  test('POST /sync/start/:org, DELETE /sync/cancel/:syncId, /sync/force-cancel/:syncId, POST /sync/cleanup', async ({
    service,
  }) => {
    service.cliniko.behaviour.latencyMs = 30_000;
    try {
      const path = `/sync/start/${NEW}?sync_mode=full`;
      const { sync_id } = answers.StartedProgress.parse(
        await check(service, 'POST', path, answers.StartedProgress),
      );
      await check(service, 'POST', path, answers.AlreadyInProgress);
      const dashboard = answers.SyncDashboard.parse(
        (await service.ask('GET', `/sync/dashboard/${NEW}`)).body,
      );
      expect(dashboard.current_sync).toMatchObject({ sync_id });
      const active = answers.Active.parse(await check(service, 'GET', '/sync/active', answers.Active));
      expect(active.active_syncs).toMatchObject([{ sync_id, organization_id: NEW }]);
      const activity = answers.Dashboard.parse((await service.ask('GET', `/dashboard/${NEW}`)).body);
      expect(activity.recent_activity[0]).toMatchObject({ status: 'running', activity_type: 'running' });
      expect(await check(service, 'DELETE', `/sync/cancel/${sync_id}`, answers.Cancelled)).toMatchObject({
        status: 'cancelled',
      });
      await untilEnded(service, NEW);
      expect(await check(service, 'GET', `/sync/status/${sync_id}`, answers.Progress)).toMatchObject({
        status: 'cancelled',
      });
      for (const again of ['cancel', 'force-cancel']) {
        const answer = again === 'cancel' ? answers.Cancelled : answers.ForceCancelled;
        expect(await check(service, 'DELETE', `/sync/${again}/${sync_id}`, answer)).toMatchObject({
          message: expect.stringContaining('already'),
        });
      }
      expect((await service.ask('DELETE', '/sync/cancel/sync_124_20200101_000000')).status).toBe(404);
      await check(service, 'POST', '/sync/cleanup', answers.CleanedUp);
    } finally {
      service.cliniko.behaviour.latencyMs = 0;
    }
    expect((await service.ask('POST', `/sync/start/${NEW}?sync_mode=turbo`)).status).toBe(422);
  });
});

describe('access', () => {
  test('lists of patients need an account, leave an audit entry and are never cached', async ({
    service,
  }) => {
    const { body } = await service.ask('GET', '/audit?limit=1');
    const [newest] = (body as { entries: { id: number }[] }).entries;
    for (const path of [`/cliniko/active-patients/${SYNCED}`, `/cliniko/patients/${SYNCED}/stats`]) {
      expect((await fetch(`${service.url}/api/v1${path}`)).status).toBe(401);
      expect((await service.ask('GET', path)).headers.get('cache-control')).toBe('no-store');
      const [entry] = await service.database.sql`
        select action, organization_id from audit_log where id > ${newest?.id ?? 0} order by id desc limit 1`;
      expect(entry).toMatchObject({ action: 'patients.read', organization_id: SYNCED });
    }
  });

  test('a token of one organization reads it, and nothing of another', async ({ service }) => {
    const token = await service.token({ scope: 'sync', organizations: [SYNCED] });
    const headers = { authorization: `Bearer ${token}` };
    for (const [, path] of READS) {
      const own = path.replace('ORG', String(SYNCED));
      const whole = (await service.ask('GET', own)).body;
      const restricted = await service.ask('GET', own, headers);
      expect(restricted.status, own).toBe(200);
      expect(Object.keys(restricted.body as object).sort(), own).toEqual(Object.keys(whole as object).sort());
      for (const other of [NEW, UNKNOWN]) {
        expect((await service.ask('GET', path.replace('ORG', String(other)), headers)).status, path).toBe(
          403,
        );
      }
    }
    expect((await service.ask('GET', `/cliniko/test-connection/${SYNCED}`, headers)).body).toMatchObject({
      success: true,
    });
    const trigger = { ...headers, 'x-organization-id': String(NEW) };
    expect((await service.ask('POST', '/sync/trigger', trigger)).status).toBe(403);
    expect((await service.ask('GET', '/sync/status/sync_124_20260101_000000', headers)).status).toBe(403);
    expect((await service.ask('POST', '/sync/cleanup', headers)).status).toBe(403);
  });

  test('a start and a cancel name their run in the audit log', async ({ service }) => {
    service.cliniko.behaviour.latencyMs = 30_000;
    try {
      const { body } = await service.ask('POST', '/sync/trigger', { 'x-organization-id': String(NEW) });
      answers.Triggered.parse(body);
      const { sync_id } = answers.NewestProgress.parse(
        (await service.ask('GET', `/sync/status/organization/${NEW}`)).body,
      );
      await service.ask('DELETE', `/sync/cancel/${sync_id}`);
      await untilEnded(service, NEW);
    } finally {
      service.cliniko.behaviour.latencyMs = 0;
    }
    const [run] = await service.database.sql<{ id: number }[]>`
      select id from sync_logs where organization_id = ${NEW} order by id desc limit 1`;
    const entries = await service.database.sql`
      select action, organization_id, details from audit_log where action in ('sync.start', 'sync.cancel') order by id desc limit 2`;
    expect(entries).toMatchObject([
      { action: 'sync.cancel', organization_id: NEW, details: { sync_log_id: run?.id } },
      { action: 'sync.start', organization_id: NEW, details: { sync_log_id: run?.id, outcome: 'started' } },
    ]);
  });

  test('every old route is marked as deprecated in /openapi.json, and no other', async ({ service }) => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { deprecated?: boolean; tags: string[] }>>;
    };
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    const old = operations.filter(({ tags }) => tags.includes('Old service'));
    expect(old.length).toBeGreaterThan(25);
    expect(operations.filter(({ deprecated }) => deprecated)).toEqual(old);
  });
});
