/** A person adds the first clinic of a server and starts its sync, without a document. */
import { describe, expect, vi } from 'vitest';
import { Organization } from '#contract/organization.ts';
import { startTestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { isFocused } from './support/dashboard.ts';
import { test } from './support/test.ts';

describe('a server without a clinic', () => {
  test('gets one from its API key, and starts the sync', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl, { organizations: [], patients: 60 });
    await page.goto(server.url);
    await page.getByRole('link', { name: 'Add a clinic' }).click();
    const key = page.getByLabel('Cliniko API key');
    await key.fill('not-the-key-au1');
    await page.getByRole('button', { name: 'Check the key' }).click();
    await page.getByRole('alert').filter({ hasText: 'Cliniko does not accept this key.' }).waitFor();
    expect(await isFocused(key)).toBe(true);
    expect(await key.getAttribute('aria-invalid')).toBe('true');
    await isAccessible(page);
    await key.fill(server.cliniko.apiKey);
    await page.keyboard.press('Enter');

    const heading = page.getByRole('heading', { name: 'Cliniko accepts the key' });
    await vi.waitFor(async () => expect(await isFocused(heading)).toBe(true));
    expect(await page.getByLabel('Name').inputValue()).toBe('Simulated Clinic');
    expect(await page.getByLabel('Country').inputValue()).toBe('AU');
    expect(await page.getByLabel('Time zone').inputValue()).toBe('Australia/Melbourne');
    expect(await page.getByLabel('Organization id').inputValue()).toBe('1');
    await isAccessible(page);
    // Nothing is stored before the person says so.
    expect((await server.api('/organizations/1')).status).toBe(404);

    const country = page.getByLabel('Country');
    await country.fill('QQ');
    await page.getByRole('button', { name: 'Add the clinic' }).click();
    await vi.waitFor(async () => expect(await isFocused(country)).toBe(true));
    await country.fill('NZ');
    await page.getByRole('button', { name: 'Add the clinic' }).click();
    await page.getByRole('heading', { name: 'Simulated Clinic', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Start Full Sync' }).click();
    await page.locator('.sync-monitor[data-status="completed"]').waitFor();
    expect(Organization.parse(await (await server.api('/organizations/1')).json())).toMatchObject({
      name: 'Simulated Clinic',
      country: 'NZ',
      time_zone: 'Australia/Melbourne',
      has_credentials: true,
    });
    // A browser reports each refused request: the id was free.
    expect(journal.consoleErrors.filter((text) => !text.includes('404'))).toEqual([]);
    expect(journal.requests.filter((url) => url.includes(server.cliniko.apiKey))).toEqual([]);
  });
});
