/** What a person types while a form is being saved stays, and the page does not say that it is saved. */
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { Organization } from '#contract/organization.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

/** Types into the form while the answer to its request is under way. */
async function typeDuring(page: Page, url: RegExp, button: string, type: () => Promise<void>): Promise<void> {
  const letGo = await holdAnswers(page, url);
  const asked = page.waitForRequest(url);
  await page.getByRole('button', { name: button, exact: true }).click();
  await asked;
  await type();
  const answered = page.waitForResponse(url);
  letGo();
  await (await answered).finished();
}

const organization = async (server: TestServer, id: number) =>
  Organization.parse(await (await server.api(`/organizations/${id}`)).json());

describe('the key of a clinic', () => {
  test('that is typed after an accepted one stays, unsaved', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&settings=key`);
    const key = page.getByLabel('Replace the key');
    await key.fill(server.cliniko.apiKey);
    await typeDuring(page, /cliniko-credentials$/, 'Check and save', () => key.fill('another-key-au1'));
    await page.getByRole('status').filter({ hasText: 'what you typed since is not' }).waitFor();
    expect(await key.inputValue()).toBe('another-key-au1');
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog', { name: 'Discard the changes?' }).waitFor();
  });

  test('that is typed after a refused one has no error', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/?org=123&settings=key`);
    const key = page.getByLabel('Replace the key');
    await key.fill('another-key-au1');
    const type = () => key.fill(server.cliniko.apiKey);
    await typeDuring(page, /cliniko-credentials$/, 'Check and save', type);
    await page.getByRole('alert').filter({ hasText: 'The key before: Cliniko does not accept' }).waitFor();
    expect(await key.getAttribute('aria-invalid')).toBe('false');
    await page.getByRole('button', { name: 'Check and save' }).click();
    await page.getByText('Cliniko accepts this key. It is stored.').waitFor();
  });
});

test('a new clinic is opened when all that was typed is saved', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  await page.goto(`${server.url}/?view=add`);
  const key = page.getByLabel('Cliniko API key');
  await key.fill(server.cliniko.apiKey);
  await typeDuring(page, /verify$/, 'Check the key', () => key.fill('another-key-au1'));
  await page.getByRole('button', { name: 'Check the key' }).waitFor();
  expect(await key.inputValue()).toBe('another-key-au1');
  await key.fill(server.cliniko.apiKey);
  await page.getByRole('button', { name: 'Check the key' }).click();

  const name = page.getByLabel('Name');
  await name.waitFor();
  await typeDuring(page, /cliniko-credentials$/, 'Add the clinic', () => name.fill('Harbour Street'));
  await page.getByRole('status').filter({ hasText: 'Added, without the changes since then.' }).waitFor();
  expect(await page.getByLabel('Organization id').isEditable()).toBe(false);
  expect((await organization(server, 1)).name).toBe('Simulated Clinic');
  await page.getByRole('button', { name: 'Save and open the clinic' }).click();
  await page.getByRole('heading', { name: 'Harbour Street', level: 1 }).waitFor();
  expect((await organization(server, 1)).has_credentials).toBe(true);
});

test('a notification stays open with what is not saved, and each secret until it is copied', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await page.goto(`${server.url}/notifications`);
  await page.getByRole('button', { name: 'Add a notification' }).click();
  await page.getByLabel('Service').selectOption({ label: 'Webhook (signed JSON)' });
  await page.getByLabel('Address (URL)').fill('https://example.com/hooks');
  const quiet = page.getByLabel('Quiet hours');
  await typeDuring(page, /webhooks$/, 'Add', () => quiet.check());
  const dialog = page.getByRole('dialog', { name: 'Change the notification' });
  await dialog.getByRole('status').filter({ hasText: 'Saved, without the changes since then.' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Keep editing' }).click();
  expect(await quiet.isChecked()).toBe(true);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('not from 22:00 to 06:00').waitFor();
  expect(await page.getByRole('region', { name: 'Webhook' }).count()).toBe(1);

  await page.getByRole('button', { name: 'Add a notification' }).click();
  await page.getByLabel('Service').selectOption({ label: 'Webhook (signed JSON)' });
  await page.getByLabel('Address (URL)').fill('https://example.com/others');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect.poll(() => page.locator('.secret').count()).toBe(2);
  await page.getByRole('button', { name: 'I have copied it' }).first().click();
  await page.getByText('Copy the secret of https://example.com/others now').waitFor();
  expect(await page.locator('.secret').count()).toBe(1);
});

test('a dialog that was closed while it is saved does not close the next one', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await page.goto(`${server.url}/notifications`);
  const open = page.getByRole('button', { name: 'Add a notification' });
  const dialog = page.getByRole('dialog', { name: 'Add a notification' });
  await open.click();
  await page.getByLabel('Service').selectOption({ label: 'Webhook (signed JSON)' });
  await page.getByLabel('Address (URL)').fill('https://example.com/hooks');
  await typeDuring(page, /webhooks$/, 'Add', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Discard' }).click();
    await dialog.waitFor({ state: 'detached' });
    await open.click();
    await page.getByLabel('Address (URL)').fill('https://example.com/others');
  });
  // It was added, and its secret is not lost.
  await page.locator('.secret').waitFor({ state: 'attached' });
  expect(await page.getByLabel('Address (URL)').inputValue()).toBe('https://example.com/others');
});
