/** The parts that need a person: settings, keys, and waits. */
import { describe, expect, vi } from 'vitest';
import { Organization } from '#contract/organization.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { isFocused, openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
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
    await dialog.getByRole('tab', { name: 'Schedule' }).click();
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
    await dialog.getByText('In the clinic’s time zone').waitFor();
    await dialog.getByRole('tab', { name: 'Clinic' }).click();
    await dialog.getByLabel('Time zone').selectOption('Australia/Perth');
    await dialog.getByRole('button', { name: 'Save settings' }).click();
    await dialog.getByText('Saved.').waitFor();
    expect(await settingsOf(server)).toMatchObject({
      time_zone: 'Australia/Perth',
      schedule: { cron: '15 3 * * *', time_zone: 'Australia/Perth' },
    });
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Harbour Street Clinic', level: 1 }).waitFor();
    await page.getByText('Next sync').waitFor();
    expect(journal.consoleErrors).toEqual([]);
  });

  test('keep what is typed while they are saved', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&settings=clinic`);
    const dialog = page.getByRole('dialog', { name: 'Settings' });
    await dialog.getByLabel('Name').fill('Harbour Street');
    const letGo = await holdAnswers(page, /organizations\/123$/);
    await dialog.getByRole('button', { name: 'Save settings' }).click();
    await dialog.getByRole('button', { name: 'Saving…' }).waitFor();
    await dialog.getByLabel('Country').fill('NZ');
    letGo();
    await dialog.getByRole('button', { name: 'Save settings' }).waitFor();
    expect(await dialog.getByLabel('Country').inputValue()).toBe('NZ');
    // That is not saved yet.
    expect(await dialog.getByText('Saved.').count()).toBe(0);
    expect(await settingsOf(server)).toMatchObject({ name: 'Harbour Street', country: 'AU' });
    await dialog.getByRole('button', { name: 'Save settings' }).click();
    await dialog.getByText('Saved.').waitFor();
    expect(await settingsOf(server)).toMatchObject({ name: 'Harbour Street', country: 'NZ' });
  });

  test('show an error at its field, and ask before the input is lost', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&settings=schedule`);
    await page.getByLabel('Automatic sync').selectOption('own');
    const cron = page.getByLabel('Cron expression');
    expect(await page.getByLabel('Name').isVisible()).toBe(false);
    await cron.fill('at night');
    // The field is in another tab: the error leads there.
    await page.getByRole('tab', { name: 'Clinic' }).click();
    expect(page.url()).toContain('&settings=clinic');
    expect(await cron.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Save settings' }).click();
    await page.getByRole('alert').filter({ hasText: 'Must be a cron expression' }).waitFor();
    await vi.waitFor(async () => expect(await isFocused(cron)).toBe(true));
    expect(await cron.getAttribute('aria-invalid')).toBe('true');
    expect(page.url()).toContain('&settings=schedule');
    await isAccessible(page);

    const question = page.getByRole('alertdialog', { name: 'Discard the changes?' });
    for (const close of [
      () => page.keyboard.press('Escape'),
      () => page.getByRole('button', { name: 'Close' }).click(),
    ]) {
      await close();
      await question.getByRole('button', { name: 'Keep editing' }).click();
      await question.waitFor({ state: 'detached' });
      expect(await cron.inputValue()).toBe('at night');
    }
    const leaving = page.waitForEvent('dialog');
    const left = page.reload();
    await (await leaving).accept();
    await left;
    await page.getByRole('tab', { name: 'Schedule' }).waitFor();
    await page.getByLabel('Automatic sync').selectOption('hourly');
    await page.keyboard.press('Escape');
    await question.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await settingsOf(server)).toMatchObject({ schedule: null });
  });

  test('store a key only when Cliniko accepts it', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const dashboard = await openDashboard(page, server.url, 77);
    expect(await page.getByRole('link', { name: 'Add it' }).getAttribute('href')).toBe('/?view=add&org=77');
    await putJson(server.api, '/organizations/77', { name: 'Wattle Grove' });
    await page.reload();
    const key = page.getByLabel('Key', { exact: true });

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
