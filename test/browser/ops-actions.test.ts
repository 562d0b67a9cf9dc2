/** The ops console as a place to act: what failed is tried again, what is selected is paused, and a reader sees no action. */
import type { Page } from 'playwright-core';
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { focusedText } from './support/dashboard.ts';
import { test } from './support/test.ts';

/** 1 to 13 failed because of Cliniko, 14 because of its key; 15 to 40 are fresh. */
async function insertClinics(sql: Sql): Promise<void> {
  await sql`insert into organizations (id, name, country, time_zone, validation)
    select id, 'Clinic ' || id, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}' from generate_series(1, 40) as id`;
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, records_success, error_details, metadata)
    select id, 'full_patients', case when id > 14 then 'completed' else 'failed' end,
      now() at time zone 'utc' - interval '70 minutes', now() at time zone 'utc' - interval '1 hour', 0,
      case when id < 14 then 'Cliniko does not answer: 503' when id = 14 then 'Cliniko API authentication failed: Invalid API key' end,
      case when id < 14 then '{"error_type": "CLINIKO_UNAVAILABLE"}' when id = 14 then '{"error_type": "CLINIKO_AUTH_FAILED"}' else '{}' end::jsonb
    from generate_series(1, 40) as id`;
}

const row = (page: Page, id: number) => page.locator(`tr[data-organization="${id}"]`);

describe('the ops console', () => {
  test('tries again what failed for one cause, and pauses a selection, by keyboard', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const sql = connectInTest(databaseUrl);
    await insertClinics(sql);
    const server = await startTestServer(databaseUrl, { organizations: [] });
    // High enough for all rows: the list draws only what is visible.
    await page.setViewportSize({ width: 1280, height: 2_400 });
    await page.goto(`${server.url}/ops`);
    const causes = page.getByRole('region', { name: 'Failures by cause' });
    await causes.getByText('13 clinics Cliniko did not answer').waitFor();
    await causes.getByText('1 clinic Cliniko refused the API key').waitFor();
    // The events of the night are those of the log, and lead to their runs.
    const event = page.locator('.tail-lines li', { hasText: '503' }).first();
    expect(await event.getByRole('link', { name: /503/ }).getAttribute('href')).toMatch(/org=\d+&run=\d+$/);
    expect(await page.locator('.tail-lines li').count()).toBe(80);
    expect(await causes.getByRole('button', { name: 'Try again' }).count()).toBe(1);
    expect(await row(page, 13).getByRole('link', { name: /503/ }).getAttribute('href')).toMatch(
      /org=13&run=13$/,
    );

    // One cause or ten: those of one cause, found by their words, and the run that failed of one of them.
    await causes.getByRole('button', { name: 'Show 13 clinics: Cliniko did not answer' }).press('Enter');
    await page.getByText('13 of 40 organizations').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('clinic 13');
    await page.getByText('1 of 40 organizations').waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('href'))).toMatch(/org=13&run=13$/);
    await page.keyboard.press('/');
    await page.keyboard.type(' nothing');
    await page.getByText('No organization fits this filter.').waitFor();
    // Escape clears the search, and then leaves it: the single keys work again.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    // The rows are drawn again after the search.
    await vi.waitFor(async () => {
      await page.keyboard.press('j');
      expect(await page.locator('tr[data-organization] a:focus').count()).toBe(1);
    });
    await causes.getByRole('button', { name: 'Show 13 clinics: Cliniko did not answer' }).press('Enter');

    // Fewer rows from here on: axe takes seconds for forty.
    await page.setViewportSize({ width: 1280, height: 900 });
    await causes.getByRole('button', { name: 'Try again' }).press('Enter');
    const question = page.getByRole('dialog', { name: 'Try 13 clinics again?' });
    await question.waitFor();
    await isAccessible(page);
    await page.keyboard.press('Enter');
    await page.getByText('13 clinics started again').waitFor();
    await vi.waitFor(async () =>
      expect(await sql`select from sync_logs where metadata -> 'retry_of' is not null`).toHaveLength(13),
    );
    expect(page.url()).toContain('operation=1');

    // A selection by keyboard, from one row to another.
    await page.getByRole('button', { name: /^Fresh/ }).click();
    await page.getByText('26 of 40 organizations').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('X');
    const bar = page.getByRole('region', { name: 'Selection' });
    await bar.getByText('3 selected').waitFor();
    await isAccessible(page);
    await page.keyboard.press('p');
    await page.getByRole('dialog', { name: 'Pause 3 clinics?' }).waitFor();
    await page.getByLabel(/Reason/).fill('Cliniko moves');
    await page.keyboard.press('Enter');
    await page.getByText('3 clinics paused').waitFor();
    expect(await sql`select from organizations where paused_reason = 'Cliniko moves'`).toHaveLength(3);
    // The rows show it at once, with the reason; the filter "Fresh" no longer lists them.
    await page.getByText('23 of 40 organizations').waitFor();

    // The filter is in the address, and Back returns to the one before.
    expect(new URL(page.url()).searchParams.get('state')).toBe('ok');
    await page.goBack();
    await vi.waitFor(async () =>
      expect(await page.getByRole('button', { name: /^All/ }).getAttribute('aria-pressed')).toBe('true'),
    );
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);

    // Without single keys, a letter does nothing.
    await page.setViewportSize({ width: 1280, height: 2_400 });
    await page.keyboard.press('Escape');
    await bar.waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.getByLabel('Use single keys').uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('a');
    await page.getByLabel('Select Clinic 15').click();
    await bar.getByText('1 selected').waitFor();
    // The focus of a button that disappears goes on to the heading.
    await bar.getByRole('button', { name: 'Clear' }).press('Enter');
    await bar.waitFor({ state: 'hidden' });
    expect(await focusedText(page)).toBe('All organizations');
    await page.getByRole('button', { name: 'Close' }).press('Enter');
    await page.getByRole('region', { name: 'Action in progress' }).waitFor({ state: 'detached' });
    expect(await focusedText(page)).toBe('All organizations');
    expect(journal.consoleErrors).toEqual([]);

    // An operation that cannot be read, such as one that is too old, is asked for once and leaves the address.
    await page.goto(`${server.url}/ops?operation=99`);
    await page.waitForURL(`${server.url}/ops`);
  });

  test('offers no action to a person that only reads', async ({ databaseUrl, page }) => {
    const sql = connectInTest(databaseUrl);
    await insertClinics(sql);
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const token = await server.token({ organizations: '*' });
    await page.addInitScript((kept) => sessionStorage.setItem('patient-sync.token', kept), token);
    const answered = page.waitForResponse((response) => response.url().endsWith('/account'));
    await page.goto(`${server.url}/ops`);
    await answered;
    await page.getByText('13 clinics Cliniko did not answer').waitFor();
    await row(page, 1).waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.keyboard.press('j');
    await page.keyboard.press('r');
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('pauses and resumes everything, and one clinic, and names the account and the reason', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const sql = connectInTest(databaseUrl);
    await insertClinics(sql);
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const signIn = await page
      .context()
      .addInitScript((kept) => sessionStorage.setItem('patient-sync.token', kept), server.admin);
    await page.goto(`${server.url}/ops`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole('button', { name: 'Pause everything' }).press('Enter');
    const question = page.getByRole('dialog', { name: 'Pause everything?' });
    await question.getByLabel(/Reason/).fill('Cliniko moves house');
    await isAccessible(page);
    await page.keyboard.press('Enter');
    const said = page.getByRole('status').filter({ hasText: 'Everything is paused' });
    await said.getByText(/since .*, by Administrator/).waitFor();
    await said.getByText('Reason: Cliniko moves house').waitFor();
    await page.getByRole('button', { name: /^Paused 40/ }).waitFor();
    // A pause hides no failure: its cause, the action that helps, and the link to the run.
    await page.getByText('13 clinics Cliniko did not answer').waitFor();
    await page.getByRole('button', { name: 'Show 1 clinic: Cliniko refused the API key' }).click();
    await row(page, 14)
      .getByRole('link', { name: /Invalid Cliniko credentials.* · Everything is paused/ })
      .waitFor();
    await page.getByRole('button', { name: 'Show 1 clinic: Cliniko refused the API key' }).click();
    await page.setViewportSize({ width: 360, height: 740 });
    await isAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);

    // The page of a clinic says it too, and pauses that clinic.
    await page.goto(`${server.url}/?org=20`);
    await page.getByRole('status').filter({ hasText: 'Everything is paused' }).waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByLabel(/Reason/).fill('The clinic closes');
    await page.keyboard.press('Enter');
    const here = page.getByRole('status').filter({ hasText: 'This clinic is paused' });
    await here.getByText(/since .*, by Administrator/).waitFor();
    await here.getByText('Reason: The clinic closes').waitFor();
    await isAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.setViewportSize({ width: 1280, height: 2_400 });
    await page.goto(`${server.url}/ops`);
    await row(page, 20)
      .getByText(/by Administrator: The clinic closes/)
      .waitFor();
    const resume = page.getByRole('button', { name: 'Resume everything' });
    await resume.press('Enter');
    const asked = page.getByRole('dialog', { name: 'Resume everything?' });
    await asked.locator('button:focus').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Pause everything' }).and(page.locator(':focus')).waitFor();
    await page.getByRole('button', { name: /^Paused 1/ }).waitFor();
    await page.goto(`${server.url}/?org=20`);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    expect(await here.count()).toBe(0);
    expect(await sql`select from organizations where paused_at is not null`).toHaveLength(0);
    expect(journal.consoleErrors).toEqual([]);

    // An account that may start syncs is offered no pause.
    await signIn.dispose();
    const token = await server.token({ scope: 'sync', organizations: '*' });
    await page.addInitScript((kept) => sessionStorage.setItem('patient-sync.token', kept), token);
    for (const path of ['/?org=20', '/ops']) {
      await page.goto(`${server.url}${path}`);
      await page
        .getByRole('button', { name: path === '/ops' ? 'Try again' : 'Start' })
        .first()
        .waitFor();
      expect(await page.getByRole('button', { name: /^Pause/ }).count()).toBe(0);
    }
  });
});
