/** The page of the stored patients: found from the dashboard, searched, filtered by state, and opened one by one. */
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { isAccessible } from './support/axe.ts';
import { focusedText, isFocused, openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

const count = (page: Page, text: string) =>
  page.locator('.patients-count').filter({ hasText: text }).waitFor();
const rows = (page: Page) => page.locator('.patients > li');

describe('the patients page', () => {
  test('is reached from the totals, and shows one patient with its facts and its page in Cliniko', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`update patients set first_name = 'Zoë', last_name = 'Quillfeather', email = 'zoe@example.org',
      phone = '+61412345678', date_of_birth = '1958-11-30', archived_at = null, merged_into = null
      where id = (select min(id) from patients)`;
    await openDashboard(page, server.url);
    await page.getByRole('link', { name: 'Show the patients' }).click();
    await page.getByRole('heading', { name: 'Patients', level: 1 }).waitFor();
    await count(page, 'The first 50 patients');
    await page.getByRole('button', { name: 'Show more' }).press('Enter');
    await expect.poll(() => rows(page).count()).toBeGreaterThan(50);
    expect(await isFocused(rows(page).nth(50).locator('summary'))).toBe(true);

    await page.getByLabel('Name, e-mail, phone or Cliniko id').fill('0412 345 678');
    await count(page, '1 patient');
    // By keyboard: from the search over the state to the patient, which Enter opens.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const patient = rows(page).first();
    await patient.getByText('zoe@example.org').waitFor();
    for (const fact of ['Zoë Quillfeather', '+61412345678', 'Last changed in Cliniko']) {
      await patient.getByText(fact).waitFor();
    }
    const link = patient.getByRole('link', { name: 'Open in Cliniko' });
    expect(await link.getAttribute('href')).toMatch(
      /^https:\/\/simulated\.[a-z]{2}\d\.cliniko\.com\/patients\/\d+$/,
    );
    expect(await link.getAttribute('rel')).toContain('noreferrer');
    await isAccessible(page);

    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await isAccessible(page);
    expect(page.url()).not.toContain('0412');
    expect(journal.consoleErrors).toEqual([]);
  });

  test('says of a clinic without a sync that nothing is stored, as its list to check does', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&view=patients`);
    await count(page, 'No patient is stored yet.');
    await page.getByLabel('Name, e-mail, phone or Cliniko id').fill('no such name');
    await count(page, 'No patient matches.');
    await page.goto(`${server.url}/?org=123&view=check`);
    await page
      .getByText('No patient has been read from Cliniko yet. Start a sync on the dashboard.')
      .waitFor();
    expect(await page.locator('main').textContent()).not.toMatch(/Every patient|has to be checked/);
    // A run that Cliniko refused has read none either.
    server.cliniko.behaviour.access = 'unauthorised';
    await wholeSync(server);
    const letGo = await holdAnswers(page, /\/summary$/);
    let reads = 0;
    page.on('requestfinished', (request) => {
      if (request.url().endsWith('/to-check')) reads += 1;
    });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.hasStatus('failed');
    // At the start, and again when the run is known.
    await vi.waitFor(() => expect(reads).toBe(2));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    // The reasons alone do not tell it.
    expect(await page.locator('.check-card').textContent()).toBe('Patients to checkReading…');
    letGo();
    await page.locator('.check-card').getByText('No patient has been read from Cliniko yet.').waitFor();
  });

  test('shows the patients of each state, no match, and an error of the server', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`update patients set archived_at = null, merged_into = null, missing_since = null`;
    await sql`update patients set archived_at = now() where id in (select id from patients order by id limit 4)`;
    await sql`update patients set missing_since = now() where id in (select id from patients order by id desc limit 3)`;
    await page.goto(`${server.url}/?org=123&view=patients`);
    await count(page, '27 patients');
    const state = page.getByLabel('State');
    await state.selectOption({ label: 'Archived' });
    await count(page, '4 patients');
    await state.selectOption({ label: 'Missing in Cliniko' });
    await count(page, '3 patients');
    await rows(page).first().locator('summary').click();
    await rows(page).first().getByText('Missing since').waitFor();
    await state.selectOption({ label: 'Merged' });
    await count(page, 'No patient matches.');
    await isAccessible(page);
    await page.route('**/api/v1/cliniko/patients/123?*', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: '{"type":"about:blank","title":"Database unavailable","status":503,"code":"DATABASE_UNAVAILABLE","detail":"The database does not answer. Try again in a moment."}',
      }),
    );
    await state.selectOption({ label: 'Active' });
    await page.getByText('The database does not answer. Try again in a moment.').waitFor();
    await page.unroute('**/api/v1/cliniko/patients/123?*');
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await count(page, '23 patients');
    expect(await focusedText(page)).toBe('Patients');
  });

  test('says that it reads while the list is that of the search before', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    await wholeSync(server);
    await page.goto(`${server.url}/?org=123&view=patients`);
    await rows(page).first().waitFor();
    const before = await rows(page).count();
    const letGo = await holdAnswers(page, /search=/);
    await page.getByLabel('Name, e-mail, phone or Cliniko id').fill('no such name');
    await count(page, 'Reading…');
    await page.locator('.patients[data-old="true"]').waitFor();
    expect(await rows(page).count()).toBe(before);
    letGo();
    await count(page, 'No patient matches.');
  });

  test('ignores more patients that arrive after the filter has changed', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 110 });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`update patients set archived_at = null, merged_into = null, missing_since = null`;
    await sql`update patients set archived_at = now()
      where id in (select id from patients order by cliniko_patient_id offset 60)`;
    await page.goto(`${server.url}/?org=123&view=patients`);
    await count(page, 'The first 50 patients');
    const letGo = await holdAnswers(page, /after=/);
    const late = page.waitForResponse(/after=/);
    const more = page.getByRole('button', { name: 'Show more' });
    await more.click();
    await page.getByRole('button', { name: 'Reading…' }).waitFor();
    // What is shown stays true while more is read.
    await count(page, 'The first 50 patients');
    expect(await page.locator('.patients').getAttribute('data-old')).toBe('false');
    // The same fifty patients, and ten follow them.
    await page.getByLabel('State').selectOption({ label: 'Active' });
    await more.waitFor();
    letGo();
    await (await late).finished();
    await more.click();
    // Its name is another one while it reads.
    await page.locator('button.more').waitFor({ state: 'detached' });
    expect(await rows(page).count()).toBe(60);
  });
});
