/** Which accounts may use the old routes, and what of that the audit log and the API document say. */
import { describe, expect } from 'vitest';
import { Triggered } from './support/action-answers.ts';
import { NEW, SYNCED, test, UNKNOWN, untilEnded } from './support/old-service.ts';
import { NewestProgress } from './support/progress-answers.ts';
import { READS } from './support/read-routes.ts';

describe('the old routes', () => {
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
      Triggered.parse(body);
      const { sync_id } = NewestProgress.parse(
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
