/** The pages offer what the token may do, and nothing that the server would refuse. */
import { describe, expect } from 'vitest';
import { type GuardedServer, OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { putJson } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { holdAnswers } from './support/held-answers.ts';
import { openSignedIn, signIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

async function startAs(server: GuardedServer): Promise<void> {
  await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
}

/** A clinic whose last run stored some patients, quarantined others and held the disappearance of 40. */
async function fillClinic(server: GuardedServer): Promise<void> {
  await putJson((path, init) => server.as(server.admin, path, init), `/organizations/${OURS}`, {
    validation: { phone: 'reject' },
  });
  for (const run of [1, 2]) {
    await startAs(server);
    await expect
      .poll(async () => {
        const answer = await server.as(server.admin, `/cliniko/sync-logs/${OURS}`);
        const { logs } = await answer.json();
        return logs.filter(({ status }: { status: string }) => status === 'completed').length;
      })
      .toBe(run);
    if (run === 1)
      for (const id of [...server.cliniko.people.ids()].slice(0, 40)) server.cliniko.people.hardDelete(id);
  }
}

describe('a token that only reads', () => {
  test('is offered no start, no cancellation, no settings, no retry and no decision', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 200 });
    await fillClinic(server);
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
    await dashboard.hasStatus('completed');
    await page.locator('.held').waitFor();
    const labels = await page.getByRole('button').allTextContents();
    expect(labels.filter((label) => /Settings|Cancel sync/.test(label))).toEqual([]);
    expect(await dashboard.startFull.count()).toBe(0);
    await isAccessible(page);
    await page.getByRole('link', { name: 'Decide about them' }).click();
    await page.getByText('An account with the scope "admin" decides about them.').waitFor();
    await page.getByText(/patients are not stored\.$/).waitFor();
    const actions = await page.getByRole('button').allTextContents();
    expect(actions.filter((label) => /again|gone|there/.test(label))).toEqual(['Read again']);
    await page.goBack();

    server.cliniko.faults.onPage(2, { kind: 'hang' });
    await startAs(server);
    await dashboard.hasStatus('running');
    expect(await page.getByRole('button', { name: 'Cancel sync' }).count()).toBe(0);

    // A link of an administrator.
    await page.goto(`${server.url}/?org=${OURS}&settings=key`);
    await dashboard.hasStatus('running');
    await page.getByRole('button', { name: 'Start Full Sync' }).waitFor({ state: 'detached' });
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});

describe('an administrator whose account is not known yet', () => {
  test('reads no word about another account, and is asked again for what could not be read', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 200 });
    await fillClinic(server);
    const letGo = await holdAnswers(page, /\/api\/v1\/account$/);
    await page.goto(`${server.url}/?org=${OURS}&view=check`);
    await signIn(page, server.admin);
    const gone = page.locator('#HELD button', { hasText: /^These \d+ are gone$/ });
    await gone.waitFor({ state: 'attached' });
    expect(await gone.isVisible()).toBe(false);
    expect(await page.locator('main').textContent()).not.toContain('An account with the scope');
    letGo();
    await gone.waitFor();

    let isFirst = true;
    await page.route(/\/api\/v1\/account$/, async (route) => {
      if (isFirst) await route.abort();
      else await route.continue();
      isFirst = false;
    });
    await page.evaluate(
      (token) => sessionStorage.setItem('patient-sync.token', token),
      await server.token({ scope: 'read' }),
    );
    await page.reload();
    await page.getByText('An account with the scope "admin" decides about them.').waitFor();
  });
});

describe('a token that starts syncs', () => {
  test('retries the quarantine, and is offered no settings and no decision', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 200 });
    await fillClinic(server);
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token({ scope: 'sync' }));
    await dashboard.hasStatus('completed');
    await page.locator('.held').waitFor();
    expect(await dashboard.startFull.count()).toBe(1);
    expect(await page.getByRole('button', { name: 'Settings' }).count()).toBe(0);

    await page.getByRole('link', { name: 'Decide about them' }).click();
    await page.getByRole('button', { name: 'Try them again' }).click();
    await page.locator('.retry-outcome').filter({ hasText: 'Tried again' }).waitFor();
    expect(await page.getByRole('button', { name: /are gone/ }).count()).toBe(0);
  });

  test('reads that an administrator can replace a refused key', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 60 });
    server.cliniko.behaviour.access = 'unauthorised';
    await startAs(server);
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token({ scope: 'sync' }));
    await dashboard.hasStatus('failed');
    await dashboard.result.getByText('Ask an administrator to replace the Cliniko API key').waitFor();
    expect(await dashboard.result.textContent()).not.toMatch(/settings|PUT/);
    expect(await dashboard.result.getByRole('button').allTextContents()).toEqual(['Try again']);
  });
});
