/** The one list of the patients that a person has to look at: reached from the dashboard, complete, and acted on. */
import { readFile } from 'node:fs/promises';
import { describe, expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { isAccessible } from './support/axe.ts';
import { focusedText, openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

describe('the patients to check', () => {
  test('are reached from the dashboard, listed page by page, copied, saved, and tried again', async ({
    databaseUrl,
    page,
    context,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/123', { validation: { phone: 'reject' } });
    await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
      select 123, 'k' || n, (9000000000000000000 + n)::text, 'MISSING_EMAIL', 'v1' from generate_series(1, 1240) as n`;
    const [counted] = await sql<{ count: number }[]>`
      select count(*)::int as count from quarantine where reason = 'INVALID_PHONE'`;
    const invalid = counted?.count ?? 0;
    expect(invalid).toBeGreaterThan(0);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);

    const dashboard = await openDashboard(page, server.url);
    const reasons = page.locator('.check-reasons li');
    await reasons.filter({ hasText: 'missing required email field' }).getByText('1,240').waitFor();
    await reasons.getByRole('link', { name: 'Not stored: missing required email field' }).click();
    await page.getByRole('heading', { name: 'Patients to check', level: 1 }).waitFor();
    await page.getByText(`${(1_240 + invalid).toLocaleString('en')} patients are not stored.`).waitFor();

    const emails = page.locator('#MISSING_EMAIL');
    const rows = emails.locator('.check-list li');
    await expect.poll(() => rows.count()).toBe(50);
    expect(await rows.first().textContent()).toContain('9000000000000001240');
    await isAccessible(page);
    await emails.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => rows.count()).toBe(250);
    const link = rows.first().getByRole('link');
    expect(await link.getAttribute('href')).toMatch(
      /^https:\/\/simulated\.[a-z]{2}\d\.cliniko\.com\/patients\/9000000000000001240$/,
    );
    await emails.getByRole('button', { name: 'Copy ids' }).click();
    await emails.getByText('1,240 ids copied.').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.split('\n').length).toBe(1_240);
    const saving = page.waitForEvent('download');
    await emails.getByRole('button', { name: 'Save as CSV' }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toBe('patients-to-check-123-missing_email.csv');
    expect((await readFile(await file.path(), 'utf8')).split('\r\n').length).toBe(1_242);

    await page
      .locator('#FIELD_WARNING')
      .or(page.locator('#EMAIL_WARNING'))
      .first()
      .locator('summary')
      .click();
    await page
      .getByText(/^(.* · )?Stored /)
      .first()
      .waitFor();
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);

    await sql`delete from quarantine where reason = 'MISSING_EMAIL'`;
    await page.locator('#INVALID_PHONE summary').click();
    await page.getByRole('button', { name: 'Try them again' }).click();
    await page.getByText(`Tried again: 0 stored, ${invalid} still invalid.`).waitFor();
    const again = page.locator('#INVALID_PHONE .check-state').first();
    await again.filter({ hasText: /^Tried again .*: still invalid · 2 attempts$/ }).waitFor();
    await putJson(server.api, '/organizations/123', { validation: { phone: 'warn' } });
    await page.getByRole('button', { name: 'Try them again' }).click();
    await page.getByText(`Tried again: ${invalid} stored.`).waitFor();
    await page.getByText('Every patient that Cliniko gave is stored.').waitFor();
    await vi.waitFor(async () => expect(await focusedText(page)).toContain('Tried again'));

    await page.route('**/to-check*', (route) => route.abort());
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.getByText('The list could not be read again: it may be old.').waitFor();
    expect(await page.locator('.check-group').count()).toBeGreaterThan(0);
    await page.reload();
    await page.getByText('The list could not be read: held patients are not shown either.').waitFor();
    expect(await page.locator('.check-group').count()).toBe(0);
    await page.goBack();
    await page.getByText('It could not be read whether patients are held or not stored.').waitFor();
    await dashboard.isConnected('live');
    expect(journal.consoleErrors.filter((text) => !text.includes('net::ERR_FAILED'))).toEqual([]);
  });

  test('that disappeared all at once are kept, or marked as missing, after a confirmation', async ({
    databaseUrl,
    context,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 200 });
    await wholeSync(server);
    const vanished = [...server.cliniko.people.ids()].slice(0, 30);
    for (const id of vanished) server.cliniko.people.hardDelete(id);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    const held = page.locator('.held');
    await held.getByText('30 patients are no longer in Cliniko, and not marked as missing yet.').waitFor();
    expect(await dashboard.total('missing-in-cliniko').textContent()).toBe('0');
    await held.getByRole('link', { name: 'Decide about them' }).click();
    await page.locator('#HELD .check-id').first().waitFor();
    const other = await context.newPage();
    const otherTab = await openDashboard(other, server.url);
    await otherTab.isConnected('live');
    await other.locator('.held').waitFor();
    expect((await page.locator('#HELD .check-id').allTextContents()).sort()).toEqual([...vanished].sort());

    await page.getByRole('button', { name: 'They are still there' }).click();
    await page.getByRole('alertdialog').waitFor();
    await isAccessible(page);
    await page.getByRole('button', { name: 'Keep them' }).click();
    await page.getByRole('status').filter({ hasText: '30 patients kept.' }).waitFor();
    await page.locator('#HELD').waitFor({ state: 'detached' });
    await vi.waitFor(async () =>
      expect(await focusedText(page)).toMatch(/^30 patients kept|^Patients to check/),
    );

    await wholeSync(server);
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.getByRole('button', { name: 'These 30 are gone' }).waitFor();
    // The list of this page does not know of the others.
    for (const id of [...server.cliniko.people.ids()].slice(0, 25)) server.cliniko.people.hardDelete(id);
    await wholeSync(server);
    await page.getByRole('button', { name: 'These 30 are gone' }).click();
    await page.getByRole('button', { name: 'Mark as missing' }).click();
    const refusal = page.getByRole('alert').filter({ hasText: '55 patients are held now, not 30.' });
    await refusal.waitFor();
    // The question is about those that are held now, over a list that was read again.
    await page.getByRole('alertdialog', { name: 'Mark 55 patients as missing?' }).waitFor();
    await page.locator('.check-decision').filter({ hasText: '55 patients are held now, not 30.' }).waitFor();
    await expect.poll(() => page.locator('#HELD .check-list li').count()).toBe(50);
    const letGo = await holdAnswers(page, /missing\/confirm/);
    await page.getByRole('button', { name: 'Mark as missing' }).click();
    await refusal.waitFor({ state: 'detached' });
    letGo();
    await page.getByRole('status').filter({ hasText: '55 patients marked as missing.' }).waitFor();
    await page.locator('#MISSING').getByText('55', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Clinic 123' }).click();
    await vi.waitFor(async () =>
      expect(await dashboard.total('missing-in-cliniko').textContent()).toBe('55'),
    );
    expect(await dashboard.total('patients').textContent()).toBe('145');
    // Another tab of the dashboard shows it as soon as the person looks at it.
    await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await other.locator('.held').waitFor({ state: 'hidden' });
    await otherTab.total('missing-in-cliniko').filter({ hasText: '55' }).waitFor();
  });
});
