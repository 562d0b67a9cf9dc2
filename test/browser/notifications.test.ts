/** The page of notifications: added, tested, changed and deleted by an administrator; the log shows what arrived. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { startChatService } from '../webhooks/support/chat-services.ts';
import { isAccessible } from './support/axe.ts';
import { signIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

const card = (page: Page, name: string) => page.getByRole('region', { name });

async function expectToFit(page: Page): Promise<void> {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow, `at ${width} pixels`).toBeLessThanOrEqual(0);
    await isAccessible(page);
  }
}

describe('an administrator', () => {
  test('adds a chat, tries it, corrects it, sends a message again, and deletes it', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [123, 124],
      config: { webhooksMayLoopBack: true },
    });
    const slack = await startChatService('slack');
    await page.goto(`${server.url}/ops`);
    await page.getByRole('link', { name: 'Notifications' }).click();
    await page.getByText('No notifications yet.').waitFor();
    await page.getByRole('button', { name: 'Add a notification' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a notification' });
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'Enter the address.' }).waitFor();
    await dialog.getByLabel('Address (URL)').fill(slack.url.replace('secret', 'wrong'));
    await dialog.getByLabel('All clinics').uncheck();
    await dialog.getByLabel('Clinic 123').check();
    await dialog.getByLabel('Quiet hours').check();
    await dialog.getByLabel('From').fill('21:30');
    await expectToFit(page);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();

    const added = card(page, 'Slack');
    await added.getByText('Clinic 123').waitFor();
    expect(await added.textContent()).not.toContain('/wrong/');
    await added.getByText('not from 21:30 to 06:00 (Australia/Sydney)').waitFor();
    await added.getByText('Nothing sent yet').waitFor();
    await added.getByRole('button', { name: 'Send a test' }).click();
    await added.getByText('the service does not know the address').first().waitFor();

    await added.getByRole('button', { name: 'Change' }).click();
    const change = page.getByRole('dialog', { name: 'Change the notification' });
    await change.getByLabel('Address (URL)').fill(slack.url);
    await change.getByRole('button', { name: 'Save' }).click();
    await change.waitFor({ state: 'detached' });
    await added.getByRole('button', { name: 'Show the log' }).click();
    await added.getByRole('button', { name: 'Send again' }).click();
    await added.locator('.deliveries').getByText('Arrived').waitFor();
    expect(slack.shown).toHaveLength(1);
    await expectToFit(page);

    await added.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No notifications yet.').waitFor();
    expect(await connectInTest(databaseUrl)`select 1 from webhook_endpoints`).toHaveLength(0);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('of a program sees its secret once', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/notifications`);
    await page.getByRole('button', { name: 'Add a notification' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Service').selectOption({ label: 'Email' });
    await dialog.getByText('This server needs SMTP_URL').waitFor();
    await dialog.getByLabel('Service').selectOption({ label: 'Webhook (signed JSON)' });
    await dialog.getByLabel('Address (URL)').fill('https://example.com/hooks');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    const secret = page.locator('.secret');
    expect(await secret.textContent()).toMatch(/^whsec_/);
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await secret.waitFor({ state: 'detached' });
    await card(page, 'Webhook').getByText('All clinics').waitFor();
  });

  test('chooses among many clinics with long names', async ({ databaseUrl, page }) => {
    const organizations = Array.from({ length: 20 }, (_, place) => 101 + place);
    const server = await startTestServer(databaseUrl, { organizations });
    const name = 'Harbour Street Physiotherapy, Osteopathy and Podiatry of the Northern Beaches';
    await connectInTest(databaseUrl)`update organizations set name = ${name} || ' ' || id`;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${server.url}/notifications`);
    await page.getByRole('button', { name: 'Add a notification' }).click();
    await page.getByLabel('All clinics').uncheck();
    const names = page.locator('.check-list .check span:has(bdi)');
    expect(await names.count()).toBe(20);
    const ends = await names.evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom] as const),
    );
    expect(ends.filter(([top], place) => top < (ends[place - 1]?.[1] ?? top))).toEqual([]);
    await page.getByLabel(`${name} 120`).check();
    await page.getByText('1 of 20 chosen').waitFor();
    await page.getByLabel('Search the clinics').fill('107');
    await expect.poll(() => names.count()).toBe(1);
    await page.getByLabel(`${name} 107`).check();
    await page.getByText('2 of 20 chosen').waitFor();
  });

  test('is asked before input is lost, and reads again what could not be read', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    const body = JSON.stringify({ url: 'https://example.com/hooks', organizations: '*' });
    expect((await server.api('/webhooks', { method: 'POST', body })).ok).toBe(true);
    await page.route('**/api/v1/webhooks', (route) => route.abort());
    await page.goto(`${server.url}/notifications`);
    const again = page.getByRole('alert').getByRole('button', { name: 'Try again' });
    await again.waitFor();
    await page.unroute('**/api/v1/webhooks');
    await again.click();
    await page.getByRole('button', { name: 'Change' }).click();
    const dialog = page.getByRole('dialog', { name: 'Change the notification' });
    await dialog.getByLabel('Quiet hours').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });

    await page.route('**/deliveries?*', (route) => route.abort());
    await page.getByRole('button', { name: 'Show the log' }).click();
    await again.waitFor();
    await page.unroute('**/deliveries?*');
    await again.click();
    await page.getByText('Nothing was sent in the last 30 days.').waitFor();

    await page.getByRole('button', { name: 'Change' }).click();
    await dialog.getByLabel('Quiet hours').check();
    await page.keyboard.press('Escape');
    const question = page.getByRole('alertdialog', { name: 'Discard the changes?' });
    await question.getByRole('button', { name: 'Keep editing' }).click();
    await question.waitFor({ state: 'hidden' });
    expect(await dialog.getByLabel('Quiet hours').isChecked()).toBe(true);
    await page.keyboard.press('Escape');
    await question.getByRole('button', { name: 'Discard' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  test('reads an error at its field, which has the focus', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/notifications`);
    await page.getByRole('button', { name: 'Add a notification' }).click();
    const dialog = page.getByRole('dialog');
    const refusedAt = async (field: Locator, words: RegExp): Promise<void> => {
      await dialog.getByRole('button', { name: 'Add', exact: true }).click();
      const alert = dialog.getByRole('alert').filter({ hasText: words });
      await alert.waitFor();
      await field.and(dialog.locator(':focus')).waitFor();
      const describer = `[aria-describedby="${await alert.getAttribute('id')}"]`;
      expect(
        await dialog
          .locator(describer)
          .and(field.or(dialog.getByRole('group')))
          .count(),
      ).toBe(1);
      expect(await dialog.locator('[aria-invalid="true"]').count()).toBe(1);
    };
    const address = dialog.getByLabel('Address (URL)');
    await refusedAt(address, /^Enter the address/);
    await address.fill('ftp://chat.example/hook');
    await refusedAt(address, /^Must .*https/);
    await address.fill('https://chat.example/hook');
    await dialog.getByLabel('All clinics').uncheck();
    await refusedAt(dialog.getByLabel('All clinics'), /^Choose at least one clinic/);
    await dialog.getByLabel('All clinics').check();
    const events = dialog.getByRole('group', { name: 'When' }).getByRole('checkbox');
    for (const event of await events.all()) await event.uncheck();
    await refusedAt(events.first(), /^Choose at least one event/);
    await expectToFit(page);
  });
});

test('an account that only reads sees no endpoint, and the page says why', async ({ databaseUrl, page }) => {
  const server = await startGuardedServer(databaseUrl);
  await server.as(server.admin, '/webhooks', {
    method: 'POST',
    body: JSON.stringify({ url: 'https://hooks.example.com/secret', organizations: [OURS] }),
  });
  await page.goto(`${server.url}/notifications`);
  await signIn(page, await server.token());
  await page.getByText('Only an administrator sees and changes notifications.').waitFor();
  expect(await page.content()).not.toContain('hooks.example.com');
  // Nothing was asked for that the server had to refuse.
  const refused = () => server.database.sql`select 1 from audit_log where action = 'access.refused'`;
  expect(await refused()).toHaveLength(0);
  expect(await page.getByRole('button', { name: 'Add a notification' }).count()).toBe(0);
  await page.getByRole('link', { name: 'All organizations' }).click();
  await page.getByRole('heading', { name: 'All organizations' }).waitFor();
  expect(await page.getByRole('link', { name: 'Notifications' }).count()).toBe(0);
});
