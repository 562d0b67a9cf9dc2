/** `patient-sync overview` as a real process, against a real server. */
import { expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { run } from './support/command.ts';

test('patient-sync overview shows each organization, and ends with 2 when one is overdue', async ({
  databaseUrl,
}) => {
  const port = await freePort();
  const server = await startTestServer(databaseUrl, {
    patients: 5,
    organizations: [123, 124],
    config: { port },
  });
  const sql = connectInTest(databaseUrl);
  const fresh = run('overview', '--url', server.url);
  expect(await fresh.exit).toBe(0);
  expect(fresh.output().split('\n')).toEqual([
    '123 Clinic 123  never  no success yet',
    '124 Clinic 124  never  no success yet',
    '',
  ]);

  await putJson(server.api, '/organizations/123', {
    name: 'Clinic \u202e321',
    schedule: { cron: '0 2 * * *', time_zone: 'Asia/Tokyo' },
  });
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    values (123, 'full_patients', 'completed', (now() - interval '50 hours') at time zone 'utc',
        (now() - interval '50 hours') at time zone 'utc', '{}'),
      (123, 'full_patients', 'failed', (now() - interval '2 hours') at time zone 'utc',
        (now() - interval '2 hours') at time zone 'utc', '{"error_type": "CLINIKO_AUTH_FAILED"}')`;
  const overdue = run('overview', '--url', server.url);
  expect(await overdue.exit).toBe(2);
  expect(overdue.output()).toMatch(
    /^123 Clinic \\u202e321 {2}failed {2}CLINIKO_AUTH_FAILED {2}last success 50h 0m \d+s ago {2}next 20/,
  );
  await putJson(server.api, '/pause', { paused: true });
  const paused = run('overview', '--url', server.url);
  expect(await paused.exit).toBe(0);
  expect(paused.output()).toMatch(
    /^123 Clinic \\u202e321 {2}paused {2}CLINIKO_AUTH_FAILED {2}last success 50h/,
  );
  expect(paused.errors()).toBe(
    'Everything is paused, so nothing counts as overdue. An administrator resumes it on /ops or with PUT /api/v1/pause.\n',
  );
  await putJson(server.api, '/pause', { paused: false });
  const json = run('overview', '--url', server.url, '--json', '--state', 'never', '--state', 'ok');
  expect(await json.exit).toBe(0);
  const rows = json.output().trim().split('\n');
  expect(rows.map((row) => JSON.parse(row))).toMatchObject([{ organization_id: 124, state: 'never' }]);

  const wrong = run('overview', '--state', 'fine');
  expect(await wrong.exit).toBe(2);
  expect(wrong.errors()).toContain('--state must be one of running, queued,');
  await server.stop();
  const away = run('overview', '--url', server.url);
  expect(await away.exit).toBe(1);
  expect(away.errors()).toContain('No server answers at');
});
