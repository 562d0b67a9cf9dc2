/** One full sync, observed by the three kinds of clients. */
import { describe, expect, vi } from 'vitest';
import { Timeline } from '#contract/stream-event.ts';
import { StartedSync, SyncLog, SyncLogList } from '#contract/sync-log.ts';
import { CHANNEL, decodeNudge } from '../../src/events/notify-payload.ts';
import { connectInTest, test } from '../support/database.ts';
import { holdPage } from '../support/held-page.ts';
import { logTextOf } from '../support/sent-event.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hasEnded, logListText, openStream } from '../support/stream.ts';

const events = (server: TestServer, org = 123) => `${server.url}/api/v1/cliniko/sync-logs/${org}/events`;

async function poll(server: TestServer, org = 123): Promise<SyncLog | undefined> {
  const response = await server.api(`/cliniko/sync-logs/${org}?limit=1`);
  return SyncLogList.parse(await response.json()).logs[0];
}

async function start(server: TestServer, kind = 'sync-all', org = 123) {
  const response = await server.api(`/cliniko/${kind}/${org}`, { method: 'POST' });
  return { status: response.status, body: StartedSync.parse(await response.json()) };
}

async function ended(server: TestServer, org = 123): Promise<SyncLog> {
  return vi.waitFor(
    async () => {
      const log = await poll(server, org);
      if (log === undefined || log.status === 'running') throw new Error(`still ${JSON.stringify(log)}`);
      return log;
    },
    { timeout: 20_000, interval: 20 },
  );
}

function connect(url: string) {
  const sql = connectInTest(url);
  return sql;
}

/** The lines that people follow a sync by, without those of requests between them. */
const logOf = (server: TestServer) => server.logged().replace(/^\[DEBUG\].*\n/gm, '');

describe('a full sync of 648 patients', () => {
  test('stores them all and reports every step, the same on every transport', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    // Read again in the list of changes.
    for (const id of [...server.cliniko.people.ids()].slice(0, 3)) server.cliniko.people.edit(id);
    const stream = await openStream(events(server));
    await stream.until((sent) => sent.length === 2);

    const started = await start(server);
    expect(started).toMatchObject({ status: 200, body: { already_running: false, status: 'running' } });
    expect((await poll(server))?.id).toBe(started.body.sync_log_id);

    const sent = await stream.until(hasEnded);
    const [hello, snapshot, ...changes] = sent;
    expect(hello?.event).toBe('hello');
    expect(snapshot).toMatchObject({ event: 'snapshot', id: expect.stringMatching(/\.0$/) });
    expect(changes[0]?.event).toBe('started');
    expect(changes.at(-1)?.event).toBe('completed');

    const logs = changes.map((change) => SyncLog.parse(JSON.parse(logTextOf(change.data))));
    const seqs = changes.map((change) => Number(change.id?.split('.')[1]));
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    const percents = logs.map((log) => log.metadata.progress_percent);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    const steps = logs.map((log) => log.records_processed);
    expect(Math.max(...steps.map((step, index) => step - (steps[index - 1] ?? 0)))).toBeLessThanOrEqual(50);

    const polled = await (await server.api('/cliniko/sync-logs/123?limit=1')).text();
    expect(polled).toBe(logListText(123, logTextOf(changes.at(-1)?.data ?? '')));

    const last = logs.at(-1);
    expect(last).toMatchObject({
      status: 'completed',
      records_processed: 648,
      records_success: 648,
      records_failed: 0,
      error_details: null,
      metadata: {
        progress_percent: 100,
        patients_found: 648,
        patients_stored: 648,
        patients_loaded: 648,
        success_rate: 100,
        inserted: 648,
        phase: 'completed',
        proof: { seen: 648, total_at_start: 648, total_at_end: 648, proven: true },
        performance_metrics: {
          total_duration: expect.stringMatching(/^\d+s$/),
          api_requests: server.cliniko.requests.length,
        },
      },
    });
    expect(await connect(databaseUrl)`select count(*)::int from patients`).toEqual([{ count: 648 }]);
    // Seven pages, the count of the clinic, two lists of changes. Where answers are slow, the last page counts the clinic, and the
    // lists are read with it. If the run then does not go on at once, it is counted and they are read once more.
    const { requests } = server.cliniko;
    const pagesBy = (sort: string) =>
      requests.flatMap(({ query, page }) => (query.includes(`sort=${sort}:`) ? [page] : []));
    expect(pagesBy('created_at').toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(pagesBy('id').length).toBeLessThanOrEqual(1);
    expect(requests.filter(({ query }) => !/_at:[<>]/.test(query))).not.toHaveLength(0);
    expect(requests.length - 7 - pagesBy('id').length).toBeLessThanOrEqual(4);
    expect(requests.every((request) => request.method === 'GET')).toBe(true);

    const timeline = await (
      await server.api(`/cliniko/sync-logs/123/${started.body.sync_log_id}/timeline`)
    ).text();
    expect(timeline).toBe(`{"events":[${changes.map((change) => change.data).join(',')}],"trimmed":false}`);
    expect(Timeline.parse(JSON.parse(timeline)).events).toHaveLength(changes.length);
  });

  test('is joined by a second start, never started twice', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const letGo = holdPage(server, 1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => start(server)));
    letGo();

    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
    expect(answers.filter((answer) => answer.body.already_running)).toHaveLength(19);
    expect(new Set(answers.map((answer) => answer.body.sync_log_id)).size).toBe(1);
    await ended(server);
  });

  test('writes no patient a second time when nothing changed', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 130 });
    const sql = connect(databaseUrl);
    await start(server);
    await ended(server);
    const versions = await sql`select xmin::text, ctid::text from patients order by id`;

    await start(server);
    const log = await ended(server);

    expect(log.metadata).toMatchObject({ inserted: 0, updated: 0, unchanged: 130 });
    expect(await sql`select xmin::text, ctid::text from patients order by id`).toEqual(versions);
  });

  test('logs its way in the words of the guide', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    await start(server);
    await ended(server);
    await vi.waitFor(() => expect(logOf(server)).toContain('Sync completed'));

    expect(logOf(server)).toContain(`[INFO] Starting full patient sync for organization 123
[INFO] Found 648 patients in Cliniko API
[INFO] Processing page 1/7 (0 patients processed)
[INFO] Progress: 7.7% - 50/648 patients stored
`);
    expect(logOf(server)).toContain('[INFO] Processing page 5/7 (400 patients processed)\n');
    expect(logOf(server)).toContain('[INFO] Sync completed: 648/648 patients (100% success)\n');
  });
});

describe('a sync of active patients', () => {
  test('leaves archived ones out, and marks no patient as missing', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    await start(server);
    await ended(server);
    const active = server.cliniko.people.countActive();

    await start(server, 'sync-active');
    const log = await ended(server);

    expect(log).toMatchObject({ operation_type: 'active_patients', records_success: active });
    const summary = await (await server.api('/cliniko/patients/123/summary')).json();
    expect(summary).toMatchObject({ total: 300, active, archived: 300 - active, missing: 0 });
  });
});

describe('the three failures of the guide', () => {
  test('a wrong key', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    await server.api('/organizations/123/cliniko-credentials', {
      method: 'PUT',
      body: JSON.stringify({ api_key: 'wrong-key-au1' }),
    });
    await start(server);

    expect(await ended(server)).toMatchObject({
      status: 'failed',
      error_details: 'Cliniko API authentication failed: Invalid API key',
      metadata: { error_type: 'CLINIKO_AUTH_FAILED', retry_recommended: true, phase: 'failed' },
    });
  });

  test('no key at all', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await server.api('/organizations/9', { method: 'PUT', body: '{}' });
    expect((await start(server, 'sync-all', 9)).status).toBe(200);

    expect(await ended(server, 9)).toMatchObject({
      status: 'failed',
      metadata: { error_type: 'CLINIKO_AUTH_FAILED' },
    });
    expect(server.cliniko.requests).toHaveLength(0);
  });

  test('a missing unique constraint is found before a patient is changed, and repaired by the command in the error', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    await connect(databaseUrl)`alter table patients drop constraint patients_org_cliniko_patient_unique`;
    await start(server);

    const log = await ended(server);

    expect(log).toMatchObject({
      status: 'failed',
      error_details: expect.stringMatching(/^Database constraint violation: /),
      metadata: {
        error_type: 'DATABASE_CONSTRAINT_ERROR',
        solution: 'Run database migration: npm run db:migrate',
      },
    });
    expect(server.cliniko.requests).toHaveLength(0);
  });

  test('two bad records under a strict policy', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { people } = server.cliniko;
    for (const id of people.ids()) {
      people.override(id, { email: `p${id}@example.com`, patient_phone_numbers: [] });
    }
    const [phone, email] = [people.idOf(17), people.idOf(400)];
    people.override(phone, {
      patient_phone_numbers: [{ phone_type: 'Mobile', number: 'none', normalized_number: null }],
    });
    people.override(email, { email: null });
    await server.api('/organizations/123', {
      method: 'PUT',
      body: JSON.stringify({ validation: { phone: 'reject', email: 'require' } }),
    });
    await start(server);

    expect(await ended(server)).toMatchObject({
      status: 'completed',
      records_processed: 648,
      records_success: 646,
      records_failed: 2,
      metadata: {
        success_rate: 99.7,
        errors_total: 2,
        errors: [
          `Patient ID ${phone}: Invalid phone number format`,
          `Patient ID ${email}: Missing required email field`,
        ],
      },
    });
    const quarantine = await (await server.api('/cliniko/quarantine/123')).json();
    expect(quarantine).toMatchObject({
      total: 2,
      patients: [{ reason: 'MISSING_EMAIL' }, { reason: 'INVALID_PHONE' }],
    });

    people.override(email, { email: 'found@example.com' });
    await start(server);
    await ended(server);
    const after = await (await server.api('/cliniko/quarantine/123')).json();
    expect(after).toMatchObject({ total: 1, patients: [{ cliniko_patient_id: phone, attempts: 2 }] });
  });
});

describe('a row that another program writes', () => {
  test('is announced by a nudge, and streams while our own sync waits for Cliniko', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const sql = connect(databaseUrl);
    const nudged = new Set<number>();
    await connect(databaseUrl).listen(CHANNEL, (payload) => {
      for (const id of decodeNudge(payload).organizations) nudged.add(id);
    });
    const stream = await openStream(events(server, 555));
    await stream.until((sent) => sent.length === 2);
    await start(server);

    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (555, 'by_hand', 'running', now())`;
    const sent = await stream.until((all) => all.some(({ event }) => event === 'started'));

    expect(JSON.parse(sent.at(-1)?.data ?? '')).toMatchObject({ log: { operation_type: 'by_hand' } });
    await vi.waitFor(() => expect([...nudged]).toContain(555));
    const own = await sql`select from sync_logs where organization_id = 123 and status = 'running'`;
    expect(own).toHaveLength(1);
  });
});

describe('no patient data', () => {
  test('reaches a log line, an event or an error, also when a statement fails', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const sql = connect(databaseUrl);
    const { people } = server.cliniko;
    const victim = people.idOf(7);
    people.override(victim, {
      first_name: 'Canaryfirst',
      last_name: 'Canarylast',
      email: 'canary@example.com',
      patient_phone_numbers: [
        { phone_type: 'Home', number: 'canary phone', normalized_number: '61400111222' },
      ],
    });
    await sql`alter table patients add constraint no_canary check (first_name <> 'Canaryfirst')`;
    const stream = await openStream(events(server));
    await start(server);
    await stream.until(hasEnded);
    await sql`alter table sync_seen drop column cliniko_patient_ids`;
    await start(server);
    const log = await ended(server);

    expect(log.metadata).toMatchObject({ error_type: 'INTERNAL_ERROR' });
    expect(stream.text()).toContain(`Patient ID ${victim}: The database refused this record`);
    const everything = [stream.text(), server.logged(), JSON.stringify(log)].join('\n');
    expect(everything).not.toMatch(/canary/i);
    const [kept] = await sql`select sealed_raw, reason from quarantine`;
    expect(kept).toMatchObject({ reason: 'REFUSED_BY_DATABASE' });
    expect(kept?.sealed_raw).not.toMatch(/canary/i);
  });
});
