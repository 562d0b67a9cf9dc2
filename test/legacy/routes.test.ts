/**
 * The routes that clients of the old service call, one test for each: status 200, every field with its type, none missing and
 * none more. The moving guide names these tests.
 */
import { describe, expect } from 'vitest';
import type { z } from 'zod';
import {
  AlreadyInProgress,
  Cancelled,
  CleanedUp,
  ForceCancelled,
  Scheduled,
  Started,
  StartedInMode,
  StartedProgress,
  Triggered,
} from './support/action-answers.ts';
import { Problem } from './support/answer-parts.ts';
import { ActivePatients, Connected, NotConnected } from './support/cliniko-answers.ts';
import { Dashboard, Health } from './support/dashboard-answers.ts';
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
import {
  Active,
  History,
  NewestProgress,
  NoSync,
  Progress,
  SyncDashboard,
} from './support/progress-answers.ts';
import { READS, type Row } from './support/read-routes.ts';

async function check(service: OldService, method: string, path: string, answer: z.ZodType): Promise<unknown> {
  const { status, body } = await service.ask(method, path);
  expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200);
  const parsed = answer.safeParse(body);
  expect(parsed.error?.issues ?? [], path).toEqual([]);
  return body;
}

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
      await check(service, 'GET', `/sync/status/organization/${id}`, NewestProgress);
    }
    await check(service, 'GET', `/sync/status/organization/${UNKNOWN}`, NoSync);
  });

  test('GET /sync/status/:syncId and /sync/progress/:syncId', async ({ service }) => {
    for (const id of [SYNCED, WITHOUT_KEY, FOREIGN]) {
      const { body } = await service.ask('GET', `/sync/status/organization/${id}`);
      const { sync_id } = NewestProgress.parse(body);
      for (const name of ['status', 'progress']) {
        await check(service, 'GET', `/sync/${name}/${sync_id}`, Progress);
      }
    }
    for (const unknown of ['sync_123_20200101_000000', 'sync_999_20260101_000000', 'no-id']) {
      const { status, body } = await service.ask('GET', `/sync/status/${unknown}`);
      expect(status, unknown).toBe(404);
      Problem.parse(body);
    }
  });

  test('GET /sync/active', async ({ service }) => {
    await check(service, 'GET', '/sync/active', Active);
  });

  test('GET /health needs no account', async ({ service }) => {
    const response = await fetch(`${service.url}/health`);
    expect(response.status).toBe(200);
    Health.parse(await response.json());
  });

  test('GET /cliniko/test-connection/:org', async ({ service }) => {
    const before = service.cliniko.requests.length;
    const connected = await check(service, 'GET', `/cliniko/test-connection/${SYNCED}`, Connected);
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
    await check(service, 'GET', `/cliniko/test-connection/${WITHOUT_KEY}`, NotConnected);
    const unknown = await check(service, 'GET', `/cliniko/test-connection/${UNKNOWN}`, NotConnected);
    expect(unknown).toMatchObject({ error: 'ORGANIZATION_NOT_FOUND', success: false });
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
      const answer = await check(service, 'GET', path, NotConnected);
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
    const list = ActivePatients.parse(await read(`/cliniko/active-patients/${SYNCED}?limit=500`));
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
    const history = History.parse(body);
    expect(history).toMatchObject({ total_syncs: 6, successful_syncs: 3, failed_syncs: 3 });
    for (const log of history.sync_history) {
      expect(log.status).not.toBe('running');
      if (log.status === 'failed') expect(log.error_details).toEqual(expect.any(String));
    }
  });
});

const STARTS: readonly Row[] = [
  ['POST /cliniko/sync-all/:org', '/cliniko/sync-all/ORG', Started],
  ['POST /cliniko/sync-comprehensive/:org', '/cliniko/sync-comprehensive/ORG/', Started],
  ['POST /cliniko/sync-simple/:org', '/cliniko/sync-simple/ORG', Started],
  ['POST /cliniko/sync/:org', '/cliniko/sync/ORG?mode=basic&force_full=true&unknown=x', StartedInMode],
  ['POST /cliniko/sync/schedule/:org', '/cliniko/sync/schedule/ORG', Scheduled],
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
    expect(Triggered.parse(body).sync_started).toBe(true);
    await untilEnded(service, NEW);
    expect((await service.ask('POST', '/sync/trigger')).status).toBe(400);
  });

  test('POST /sync/start/:org, DELETE /sync/cancel/:syncId, /sync/force-cancel/:syncId, POST /sync/cleanup', async ({
    service,
  }) => {
    service.cliniko.behaviour.latencyMs = 30_000;
    try {
      const path = `/sync/start/${NEW}?sync_mode=full`;
      const { sync_id } = StartedProgress.parse(await check(service, 'POST', path, StartedProgress));
      await check(service, 'POST', path, AlreadyInProgress);
      const dashboard = SyncDashboard.parse((await service.ask('GET', `/sync/dashboard/${NEW}`)).body);
      expect(dashboard.current_sync).toMatchObject({ sync_id });
      const active = Active.parse(await check(service, 'GET', '/sync/active', Active));
      expect(active.active_syncs).toMatchObject([{ sync_id, organization_id: NEW }]);
      const activity = Dashboard.parse((await service.ask('GET', `/dashboard/${NEW}`)).body);
      expect(activity.recent_activity[0]).toMatchObject({ status: 'running', activity_type: 'running' });
      expect(await check(service, 'DELETE', `/sync/cancel/${sync_id}`, Cancelled)).toMatchObject({
        status: 'cancelled',
      });
      await untilEnded(service, NEW);
      expect(await check(service, 'GET', `/sync/status/${sync_id}`, Progress)).toMatchObject({
        status: 'cancelled',
      });
      for (const again of ['cancel', 'force-cancel']) {
        const answer = again === 'cancel' ? Cancelled : ForceCancelled;
        expect(await check(service, 'DELETE', `/sync/${again}/${sync_id}`, answer)).toMatchObject({
          message: expect.stringContaining('already'),
        });
      }
      expect((await service.ask('DELETE', '/sync/cancel/sync_124_20200101_000000')).status).toBe(404);
      await check(service, 'POST', '/sync/cleanup', CleanedUp);
    } finally {
      service.cliniko.behaviour.latencyMs = 0;
    }
    expect((await service.ask('POST', `/sync/start/${NEW}?sync_mode=turbo`)).status).toBe(422);
  });
});
