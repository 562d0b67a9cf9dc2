/** What the page of a run says after a failure of the server, or without the clinic of the run. */
import { describe, expect } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

describe('the page of a run', () => {
  test('says that its clinic is no longer registered when another attempt is refused', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    server.cliniko.behaviour.access = 'forbidden';
    const { id } = await wholeSync(server);
    await page.goto(`${server.url}/?org=123&run=${id}`);
    const again = page.getByRole('button', { name: 'Try again' });
    await again.waitFor();
    expect((await server.api('/organizations/123', { method: 'DELETE' })).ok).toBe(true);
    await again.click();
    await page.getByRole('alert').filter({ hasText: 'Organization 123 is not registered.' }).waitFor();
  });

  test('says that it reads', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const { id } = await wholeSync(server);
    const letGo = await holdAnswers(page, /timeline$/);
    await page.goto(`${server.url}/?org=123&run=${id}`);
    const reading = page.getByText('Reading…');
    await reading.waitFor();
    letGo();
    await page.getByRole('heading', { name: 'Full sync' }).waitFor();
    expect(await reading.count()).toBe(0);
  });

  test('reads its run when the connection is back', async ({ databaseUrl, page }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { patients: 30, config: { port, drainMs: 0 } });
    const { id } = await wholeSync(first);
    const ofRun = `**/sync-logs/123/${id}*`;
    await page.route(ofRun, (route) => route.abort());
    await page.goto(`${first.url}/?org=123&run=${id}`);
    const notice = page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' });
    await notice.waitFor();
    await first.stop();
    await page.locator('.badge[data-connection="offline"]').waitFor();
    await page.unroute(ofRun);
    await startTestServer(databaseUrl, { cliniko: first.cliniko, config: { port } });
    await page.getByRole('heading', { name: 'Full sync' }).waitFor();
    await notice.waitFor({ state: 'hidden' });
  });
});
