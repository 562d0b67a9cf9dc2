/** The history, the run page, and the cancellation of a run. */
import type { Route } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { SyncLogList } from '#contract/sync-log.ts';
import { connectInTest } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { focusedText, isFocused, openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

async function syncToTheEnd(server: TestServer, kind: 'all' | 'active' | 'changed' = 'all'): Promise<void> {
  await server.api(`/cliniko/sync-${kind}/123`, { method: 'POST' });
  await vi.waitFor(
    async () => {
      const answer = await (await server.api('/cliniko/sync-logs/123?status=running')).json();
      expect(SyncLogList.parse(answer).logs).toEqual([]);
    },
    { timeout: 15_000 },
  );
}

describe('cancelling on the dashboard', () => {
  test('asks first, then ends the run and keeps the stored patients', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(4, { kind: 'hang' });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.counter.filter({ hasText: '300 / 648 patients' }).waitFor();
    // The totals are updated during a run, too.
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('300'));

    await page.getByRole('button', { name: 'Cancel sync' }).click();
    const question = page.getByRole('alertdialog', { name: 'Cancel this sync?' });
    expect(await question.textContent()).toContain('300 patients stored so far stay');
    await question.getByRole('button', { name: 'Keep it running' }).click();
    await question.waitFor({ state: 'hidden' });
    await dashboard.hasStatus('running');

    await page.getByRole('button', { name: 'Cancel sync' }).click();
    await question.getByRole('button', { name: 'Cancel sync' }).click();
    await dashboard.hasStatus('failed');
    await page.getByRole('heading', { name: 'Last sync: full sync was cancelled' }).waitFor();
    await page.locator('.runs .pill[data-pill="cancelled"]').waitFor();
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('300'));
    expect(await dashboard.step.textContent()).toBe('');
    expect(await dashboard.result.textContent()).toBe(
      'The sync was cancelled. The patients that it had stored stay.',
    );
    expect(await dashboard.announcer.textContent()).toBe(
      'The sync was cancelled. The patients that it had stored stay.',
    );
    // On the next button, or on the title if the run was faster than the dialog.
    await vi.waitFor(async () => expect(await focusedText(page)).toMatch(/Start Full Sync|Clinic 123/));
  });
});

describe('the question about a run that ends before the answer', () => {
  test('says how it ended, and has nothing left to confirm', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(2, { kind: 'hang' });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.counter.filter({ hasText: '100 / 648 patients' }).waitFor();
    await page.getByRole('button', { name: 'Cancel sync' }).click();
    await page.getByRole('alertdialog', { name: 'Cancel this sync?' }).waitFor();
    await server.api('/cliniko/sync-logs/123/1/cancel', { method: 'POST' });

    const answer = page.getByRole('alertdialog', { name: 'This sync has ended' });
    await answer.getByRole('status').filter({ hasText: 'The sync was cancelled.' }).waitFor();
    expect(await answer.getByRole('button').allTextContents()).toEqual(['Close']);
    await answer.getByRole('button', { name: 'Close' }).click();
    await answer.waitFor({ state: 'detached' });
  });
});

describe('the history', () => {
  test('is filtered by state and by kind', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await syncToTheEnd(server, 'active');
    await syncToTheEnd(server, 'all');
    server.cliniko.behaviour.access = 'unauthorised';
    await syncToTheEnd(server, 'all');
    await openDashboard(page, server.url);
    const rows = page.locator('.runs tbody tr');
    await vi.waitFor(async () => expect(await rows.count()).toBe(3));

    await page.getByLabel('State').selectOption('failed');
    await vi.waitFor(async () => expect(await rows.count()).toBe(1));
    expect(await rows.first().textContent()).toContain('Failed');
    await page.getByLabel('State').selectOption('completed');
    await page.getByLabel('Kind of sync').selectOption('active_patients');
    await vi.waitFor(async () => expect(await rows.count()).toBe(1));
    expect(await rows.first().textContent()).toContain('Active only');
    await page.getByLabel('Kind of sync').selectOption('changed_patients');
    await page.getByText('No run fits this filter.').waitFor();
  });

  test('loads older runs on request', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 0 });
    for (let run = 0; run < 23; run += 1) await syncToTheEnd(server);
    await openDashboard(page, server.url);
    const rows = page.locator('.runs tbody tr');
    await vi.waitFor(async () => expect(await rows.count()).toBe(8));
    await page.getByRole('button', { name: 'Show older runs' }).click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(20));
    await page.getByRole('button', { name: 'Show older runs' }).press('Enter');
    await vi.waitFor(async () => expect(await rows.count()).toBe(23));
    expect(await page.getByRole('button', { name: 'Show older runs' }).count()).toBe(0);
    // The button is gone: the focus is on the first run that it brought.
    expect(await isFocused(rows.nth(20).getByRole('link'))).toBe(true);
    // Other runs make the page read again, and it keeps the older ones.
    await syncToTheEnd(server);
    await syncToTheEnd(server);
    await vi.waitFor(async () => expect(await rows.count()).toBe(25));
    const ids = await rows.evaluateAll((all) => all.map((row) => Number(row.dataset.run)));
    expect(ids).toEqual([...ids].sort((one, other) => other - one));
  });

  test('ignores older runs that arrive after the filter has changed', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await connectInTest(databaseUrl)`
      insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select 123, 'full_patients', case when age > 20 then 'failed' else 'completed' end,
        now() - age * interval '1 hour', now() - age * interval '1 hour'
      from generate_series(30, 1, -1) as age`;
    await openDashboard(page, server.url);
    const rows = page.locator('.runs tbody tr');
    const older = page.getByRole('button', { name: 'Show older runs' });
    await older.click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(20));
    const letGo = await holdAnswers(page, /before=/);
    const late = page.waitForResponse(/before=/);
    await older.click();
    await page.getByRole('button', { name: 'Reading…' }).waitFor();
    // The same twenty runs, and no run follows them.
    await page.getByLabel('State').selectOption('completed');
    await page.getByRole('button', { name: 'Reading…' }).waitFor({ state: 'hidden' });
    letGo();
    await (await late).finished();
    await older.click();
    // Its name is another one while it reads.
    await page.locator('button.older').waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(20);
  });

  test('offers the other syncs in a menu', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await syncToTheEnd(server);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await page.getByRole('button', { name: 'Other syncs' }).click();
    await page.getByRole('menuitem', { name: 'Changes only' }).click();
    await page.getByRole('heading', { name: 'Last sync: changes only completed' }).waitFor();
  });
});

describe('the run page', () => {
  test('plays back by scrubber, by key and by chapter', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl);
    await syncToTheEnd(server);
    const dashboard = await openDashboard(page, server.url);
    await page.locator('.run-link').first().click();
    await page.getByRole('heading', { name: 'Run 1', level: 1 }).waitFor();
    expect(await dashboard.bar.getAttribute('aria-valuenow')).toBe('100');
    expect(await page.locator('.outcome').textContent()).toContain('Proven');

    const scrubber = page.getByRole('slider', { name: 'Moment of the run' });
    await scrubber.press('Home');
    // The total is not known yet.
    expect(await dashboard.bar.getAttribute('aria-valuenow')).toBeNull();
    await scrubber.press('ArrowRight');
    expect(await page.locator('.playback-stage').getAttribute('data-moment')).toBe('1');
    await page
      .getByRole('button', { name: /\d\d\.\d% done/ })
      .first()
      .click();
    const percent = Number(await dashboard.bar.getAttribute('aria-valuenow'));
    expect(percent).toBeGreaterThanOrEqual(25);
    expect(await scrubber.getAttribute('aria-valuetext')).toContain(`${percent.toFixed(1)}%`);

    await scrubber.press('Home');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    expect(await dashboard.bar.getAttribute('aria-valuenow')).toBe('100');

    // A moment has an address, the record its JSON, and the next run a link as soon as there is one.
    await scrubber.press('Home');
    await page.getByRole('link', { name: /link to this moment/ }).click();
    await page.locator('.playback-stage[data-moment="0"]').waitFor();
    await page.getByText('JSON', { exact: true }).click();
    expect(JSON.parse((await page.locator('.run-json pre').textContent()) ?? '')).toMatchObject({ id: 1 });
    await syncToTheEnd(server);
    await page.getByRole('link', { name: 'Run 2' }).click();
    await page.getByRole('heading', { name: 'Run 2', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Run 1' }).waitFor();
    // From another page the navigation leads back to the clinic.
    await page.getByRole('link', { name: 'All organizations' }).click();
    await page.locator('.ops-head').waitFor();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'Clinic 123', level: 1 }).waitFor();
    expect(journal.consoleErrors).toEqual([]);
  });

  test('stays live while the run is active, and can cancel it', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(3, { kind: 'hang' });
    server.cliniko.faults.onPage(7, { kind: 'hang' });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await page.goto(`${server.url}/?org=123&run=1`);
    const counter = page.locator('.progress-text');
    await counter.filter({ hasText: '200 / 648 patients' }).waitFor();
    await page.getByRole('slider', { name: 'Moment of the run' }).press('Home');
    server.cliniko.faults.release();
    await page.getByRole('button', { name: 'Live' }).click();
    const announcer = page.getByTestId('announcer');
    await announcer.filter({ hasText: 'Sync 75 percent done.' }).waitFor({ state: 'attached' });
    await counter.filter({ hasText: '600 / 648 patients' }).waitFor();
    await page.getByRole('button', { name: 'Cancel sync' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel sync' }).click();
    await page.locator('.outcome .pill[data-pill="cancelled"]').waitFor();
    await page.locator('.chapters').getByText('cancelled').first().waitFor();
    await announcer.filter({ hasText: 'The sync was cancelled.' }).waitFor({ state: 'attached' });
    expect(await page.title()).toMatch(/^Cancelled · Run 1 · /);
    await vi.waitFor(async () => expect(await focusedText(page)).toMatch(/Full sync|Run 1/));
  });

  test('has no playback for a run that another program wrote once', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/123', { time_zone: 'Europe/Berlin' });
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, error_details)
      values (123, 'nightly', 'failed', now() - interval '9 seconds', now(), 'Cliniko does not answer: 503')`;
    await page.goto(`${server.url}/?org=123&run=1`);
    await page.locator('.outcome').getByText('Sync failed: Cliniko does not answer: 503').waitFor();
    expect(await page.getByRole('slider').count()).toBe(0);
    await page.goto(`${server.url}/?org=123`);
    await page.locator('.runs .run-why').filter({ hasText: 'Cliniko does not answer: 503' }).waitFor();

    // A second attempt names the run that it tries again, and its reason.
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
      values (123, 'full_patients', 'completed', now() - interval '4 seconds', now(),
        '{"retry_of": 1, "missing_held": 64, "trigger": {"kind": "retry"}}')`;
    const refused = vi.fn((route: Route) => route.abort());
    await page.route('**/sync-logs/123/2', refused);
    await page.goto(`${server.url}/?org=123&run=2`);
    await page.locator('.badge[data-connection="live"]').waitFor();
    // At once, and again when the connection is there, and when the stream shows that the run has ended.
    await vi.waitFor(() => expect(refused.mock.calls.length).toBeGreaterThanOrEqual(2));
    const failure = page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' });
    const again = failure.getByRole('button', { name: 'Try again' });
    const reads = refused.mock.calls.length;
    await again.click();
    await vi.waitFor(() => expect(refused.mock.calls.length).toBeGreaterThan(reads));
    await page.unroute('**/sync-logs/123/2');
    await again.click();
    await page
      .getByRole('region', { name: 'Earlier attempts' })
      .getByText('Cliniko does not answer: 503')
      .waitFor();
    await failure.waitFor({ state: 'detached' });
    expect(await page.locator('.outcome').textContent()).toContain('Second attempt');
    // The reader is in Sydney; the clinic's own time names its place.
    await page
      .locator('.outcome-started')
      .filter({ hasText: /\) .* in Berlin$/ })
      .waitFor();
    await page.getByRole('link', { name: '64', exact: true }).click();
    await page.getByRole('heading', { name: 'Patients to check', level: 1 }).waitFor();
    // And the failed run leads to the attempt that came after it.
    await page.goto(`${server.url}/?org=123&run=1`);
    const later = page.getByRole('region', { name: 'Later attempts' });
    await later.getByText('completed').waitFor();
    await later.getByRole('link', { name: 'Run 2' }).click();
    await page.getByRole('heading', { name: 'Run 2', level: 1 }).waitFor();
  });

  test('shows an unknown run as not found', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&run=99`);
    await page.getByRole('alert').filter({ hasText: 'This run does not exist.' }).waitFor();
  });
});
