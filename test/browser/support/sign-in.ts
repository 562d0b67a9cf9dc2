/** Signs in on a page of a server with accounts, as a person does. */
import type { Page } from 'playwright-core';
import { type DashboardPage, openDashboard } from './dashboard.ts';

export const asksForToken = (page: Page) =>
  page.getByRole('heading', { name: 'This server asks for an access token' }).waitFor();

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function openSignedIn(
  page: Page,
  url: string,
  organizationId: number,
  token: string,
): Promise<DashboardPage> {
  const dashboard = await openDashboard(page, url, organizationId);
  await signIn(page, token);
  return dashboard;
}
