/** A sync of changed patients reads two lists: what was edited, and what was archived. */
import { describe, expect } from 'vitest';
import { Timeline } from '#contract/stream-event.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

describe('a sync of changed patients', () => {
  test.for([
    ['counts as a change', true],
    ['leaves updated_at as it is', false],
  ] as const)('proves what it read when archiving %s', async ([, bumps], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, {
      patients: 60,
      behaviour: { archivingBumpsUpdatedAt: bumps, emptyStyle: null },
    });
    const { people } = server.cliniko;
    await wholeSync(server);
    const [archived = '', edited = ''] = [...people.ids()].filter(
      (id) => people.record(id).archived_at === null,
    );
    people.archive(archived);
    people.edit(edited, { first_name: 'Edited' });

    const log = await wholeSync(server, 'sync-changed');
    const listed = bumps ? 2 : 1;
    expect(log).toMatchObject({
      status: 'completed',
      records_processed: 2,
      metadata: {
        archived: 1,
        proof: { proven: true, seen: listed, total_at_start: listed, total_at_end: listed },
      },
    });
  });

  test('ends with its last page, and counts no empty list as a page', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await wholeSync(server);
    const onlyPage = { current_page: 1, total_pages: 1 };
    expect((await wholeSync(server, 'sync-changed')).metadata).toMatchObject({
      patients_found: 0,
      ...onlyPage,
    });
    server.cliniko.people.add(3);
    expect((await wholeSync(server, 'sync-changed')).metadata).toMatchObject({
      patients_found: 3,
      ...onlyPage,
    });
  });

  test('never takes a page of its total back', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 1 });
    await wholeSync(server);
    server.cliniko.people.add(250);
    const { id } = await wholeSync(server, 'sync-changed');
    const { events } = Timeline.parse(
      await (await server.api(`/cliniko/sync-logs/123/${id}/timeline`)).json(),
    );
    const pages = events.flatMap(({ log }) => log?.metadata.total_pages || []);
    expect(pages[0]).toBe(3);
    expect(pages).toEqual(pages.toSorted((one, other) => one - other));
  });

  test('reads what changed although the last sync began while the clock was a year ahead', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const sql = connectInTest(databaseUrl);
    await wholeSync(server);
    const { id: ahead } = await wholeSync(server);
    await sql`update sync_logs set started_at = started_at + interval '1 year', completed_at = completed_at + interval '1 year'
      where id = ${ahead}`;
    await sql`update sync_runs set created_at = created_at + interval '1 year', checkpoint = jsonb_set(checkpoint,
        '{position,startedAt}', to_jsonb(((checkpoint #>> '{position,startedAt}')::timestamptz + interval '1 year')::text))
      where sync_log_id = ${ahead}`;
    const { people } = server.cliniko;
    const [edited = ''] = [...people.ids()].filter((id) => people.record(id).archived_at === null);
    people.edit(edited, { first_name: 'Edited' });
    await server.api('/cliniko/sync-changed/123', { method: 'POST' });
    await expect
      .poll(() => sql`select first_name from patients where cliniko_patient_id = ${edited}`, {
        timeout: 20_000,
      })
      .toEqual([{ first_name: 'Edited' }]);
  });

  /** Each time the same patient is missing in the lists that a run reads, while their totals count it. */
  test.for([
    { kind: 'sync-changed', change: 'edit', bumps: true },
    { kind: 'sync-changed', change: 'archive', bumps: false },
    { kind: 'sync-all', change: 'edit', bumps: true },
  ] as const)(
    'reads what changed ($change) before a run ($kind) that proved nothing',
    async ({ kind, change, bumps }, { databaseUrl }) => {
      const behaviour = { archivingBumpsUpdatedAt: bumps };
      const server = await startTestServer(databaseUrl, { patients: 60, behaviour });
      const sql = connectInTest(databaseUrl);
      await wholeSync(server);
      const { people } = server.cliniko;
      const [changed = '', other = ''] = [...people.ids()].filter(
        (id) => people.record(id).archived_at === null,
      );
      people.edit(other, { first_name: 'Other' });
      if (change === 'edit') people.edit(changed, { first_name: 'Edited' });
      else people.archive(changed);
      server.cliniko.faults.onEvery({ kind: 'altered', alter: withoutPatient(changed) });
      const { id: unproven, metadata } = await wholeSync(server, kind);
      expect(metadata.proof).toMatchObject({ proven: false, reason: expect.stringMatching(/^Cliniko/) });
      server.cliniko.faults.clear();
      // Later than the changes, and than what two runs read twice.
      await sql`update sync_logs set started_at = started_at + interval '1 hour', completed_at = completed_at + interval '1 hour'
        where id = ${unproven}`;
      await sql`update sync_runs set checkpoint = jsonb_set(checkpoint, '{position,startedAt}',
          to_jsonb(to_char((checkpoint #>> '{position,startedAt}')::timestamptz at time zone 'utc' + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
        where sync_log_id = ${unproven}`;

      await server.api('/cliniko/sync-changed/123', { method: 'POST' });
      const readStored = () => sql`
        select first_name = 'Edited' as edited, archived_at is not null as archived from patients
        where cliniko_patient_id = ${changed}`;
      await expect
        .poll(readStored, { timeout: 20_000 })
        .toEqual([{ edited: change === 'edit', archived: change === 'archive' }]);
    },
  );

  test('reads everything when a later answer shows that Cliniko ignores the filter', async ({
    databaseUrl,
  }) => {
    const behaviour = { ignoredFilters: ['updated_at'] } as const;
    // A full page, and the only one: so its last patient has changed, and the list may go on.
    const server = await startTestServer(databaseUrl, { patients: 100, behaviour });
    await wholeSync(server);
    const [edited = ''] = server.cliniko.people.ids();
    server.cliniko.people.edit(edited, { first_name: 'Edited' });
    expect(await wholeSync(server, 'sync-changed')).toMatchObject({
      status: 'completed',
      records_processed: 100,
      metadata: { updated: 1, proof: { proven: true } },
    });
  });

  test('proves nothing with patients of the list of changes when it then reads everything', async ({
    databaseUrl,
  }) => {
    const behaviour = { ignoredFilters: ['updated_at'], total: 'one-too-high' } as const;
    const server = await startTestServer(databaseUrl, { patients: 99, behaviour });
    await wholeSync(server);
    // Too new for the list of the whole clinic: with it the run has seen as many as the wrong total of that list.
    server.cliniko.people.add(1);
    expect(await wholeSync(server, 'sync-changed')).toMatchObject({
      status: 'completed',
      records_processed: 100,
      metadata: { inserted: 1, proof: { proven: false } },
    });
  });

  test('reads only what changed when Cliniko reports no totals', async ({ databaseUrl }) => {
    const behaviour = { total: 'missing', nextLink: 'never' } as const;
    const server = await startTestServer(databaseUrl, { patients: 60, behaviour });
    await wholeSync(server);
    server.cliniko.people.add(3);
    expect(await wholeSync(server, 'sync-changed')).toMatchObject({ records_processed: 3 });
  });
});

const withoutPatient = (id: string) => (envelope: Record<string, unknown>) => ({
  ...envelope,
  patients: Array.isArray(envelope.patients) && envelope.patients.filter((patient) => patient.id !== id),
});
