/** The parts that need a person: settings, keys, missing patients, quarantined patients, and waits. */
import { describe, expect, vi } from 'vitest';
import { Organization } from '#contract/organization.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { accessibilityViolations } from './support/axe.ts';
import { focusedText, isFocused, openDashboard } from './support/dashboard.ts';
import { test } from './support/test.ts';

async function settingsOf(server: TestServer, id = 123): Promise<Organization> {
  return Organization.parse(await (await server.api(`/organizations/${id}`)).json());
}

describe('the settings', () => {
  test('are changed, and take effect', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl);
    await openDashboard(page, server.url);
    await page.getByRole('button', { name: 'Settings' }).click();
    const dialog = page.getByRole('dialog', { name: 'Settings' });
    await dialog.getByLabel('Name').fill('Harbour Street Clinic');
    await dialog.getByLabel('Country').fill('nz');
    await dialog.getByText('New Zealand').waitFor();
    await dialog.getByLabel('Time zone').selectOption('Pacific/Auckland');
    await dialog.getByLabel('Invalid phone number').selectOption('reject');
    await dialog.getByLabel('Automatic sync').selectOption('daily');
    await dialog.getByLabel('At', { exact: true }).fill('03:15');
    await dialog.getByRole('button', { name: 'Save settings' }).click();
    await dialog.getByText('Saved.').waitFor();
    expect(await settingsOf(server)).toMatchObject({
      name: 'Harbour Street Clinic',
      country: 'NZ',
      time_zone: 'Pacific/Auckland',
      validation: { phone: 'reject', email: 'optional' },
      schedule: { cron: '15 3 * * *', time_zone: 'Pacific/Auckland' },
    });
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Harbour Street Clinic', level: 1 }).waitFor();
    await page.getByText('Next sync').waitFor();
    expect(journal.consoleErrors).toEqual([]);
  });

  test('show an error, and keep the input', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await openDashboard(page, server.url);
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Automatic sync').selectOption('own');
    await page.getByLabel('Cron expression').fill('at night');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await page.getByRole('alert').filter({ hasText: 'cron' }).waitFor();
    expect(await page.getByLabel('Cron expression').inputValue()).toBe('at night');
  });

  test('store a key only when Cliniko accepts it', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const dashboard = await openDashboard(page, server.url, 77);
    await page.getByRole('button', { name: 'Register it' }).click();
    await page.getByLabel('Name').fill('Wattle Grove');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    const key = page.getByLabel('Key', { exact: true });
    await key.waitFor();
    await vi.waitFor(async () => expect(await isFocused(key)).toBe(true));
    await page.keyboard.press('Escape');

    // A run without a key asks for one: no key was refused.
    await dashboard.startFull.click();
    await dashboard.hasStatus('failed');
    expect(await dashboard.result.textContent()).toContain('This organization has no Cliniko API key.');
    expect(await dashboard.result.textContent()).not.toContain('Invalid');
    await dashboard.result.getByRole('button', { name: 'Add API key' }).click();
    await vi.waitFor(async () => expect(await isFocused(key)).toBe(true));
    await key.fill('not-the-key-au1');
    await page.getByRole('button', { name: 'Check and save' }).click();
    await page.getByRole('alert').filter({ hasText: 'Cliniko does not accept this key.' }).waitFor();
    expect(await settingsOf(server, 77)).toMatchObject({ name: 'Wattle Grove', has_credentials: false });

    await key.fill(server.cliniko.apiKey);
    await page.keyboard.press('Enter');
    await page.getByText('Cliniko accepts this key. It is stored.').waitFor();
    await page.getByLabel('Replace the key').fill('not-the-key-au1');
    await page.getByRole('button', { name: 'Check and save' }).click();
    await page.getByRole('alert').filter({ hasText: 'The stored key stays in use.' }).waitFor();
    await page.getByLabel('Replace the key').fill('');
    await page.getByRole('button', { name: 'Check the stored key' }).click();
    await page.getByText('The stored key: Cliniko accepts this key').waitFor();
    expect(await page.content()).not.toContain(server.cliniko.apiKey);
  });
});

describe('patients that need a decision', () => {
  test('missing all at once are marked only after a confirmation', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 200 });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('completed');
    const vanished = [...server.cliniko.people.ids()].slice(0, 30);
    for (const id of vanished) server.cliniko.people.hardDelete(id);
    await dashboard.startFull.click();

    const held = page.locator('.held');
    await held.getByText('30 patients are no longer in Cliniko, and not marked as missing yet.').waitFor();
    expect(await dashboard.total('missing-in-cliniko').textContent()).toBe('0');
    await held.getByText('Their ids in Cliniko').click();
    expect(await held.getByRole('listitem').allTextContents()).toEqual(vanished);
    expect(await accessibilityViolations(page)).toEqual([]);
    await held.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Mark as missing' }).click();
    await held.waitFor({ state: 'detached' });
    await vi.waitFor(async () =>
      expect(await dashboard.total('missing-in-cliniko').textContent()).toBe('30'),
    );
    expect(await dashboard.total('patients').textContent()).toBe('170');
    await page.getByRole('status').filter({ hasText: '30 patients marked as missing.' }).waitFor();
    // The focus is on the notice, or on the page's main content while the dialog was still closing: never lost.
    await vi.waitFor(async () => expect(await focusedText(page)).toMatch(/30 patients marked|Clinic 123/));
  });

  test('in quarantine are retried', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/123', { validation: { phone: 'reject' } });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('completed');
    await page.locator('.quarantine li').first().waitFor();
    const count = Number(await page.locator('#quarantine-title .count').textContent());
    expect(count).toBeGreaterThan(0);
    await page.getByText('Correct the number in Cliniko').waitFor();

    await putJson(server.api, '/organizations/123', { validation: { phone: 'warn' } });
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText(`${count} of ${count} could be stored now; 0 remain.`).waitFor();
    await page.getByText('No patient is in quarantine.').waitFor();
    await vi.waitFor(async () => expect(await focusedText(page)).toContain('Quarantine'));
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('648'));
  });
});

describe('a wait for Cliniko', () => {
  test('is counted down, and announced once to screen readers', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(3, { kind: 'rate-limited', reset: 40 });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    const countdown = page.locator('.countdown');
    await countdown.waitFor();
    const first = await countdown.textContent();
    expect(first).toMatch(/^in \d+ seconds$/);
    await vi.waitFor(async () => expect(await countdown.textContent()).not.toBe(first), { timeout: 5_000 });
    expect(await dashboard.step.textContent()).toBe("⏸️ Waiting for Cliniko's rate limit");
    expect(await dashboard.announcer.textContent()).toBe("Waiting for Cliniko's rate limit");
    await page.locator('.phase[data-state="waiting"]').filter({ hasText: 'Fetch' }).waitFor();
  });
});
