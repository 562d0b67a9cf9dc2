/** The clock of the reader's computer is wrong: durations and waits are those of the server. */
import { expect, vi } from 'vitest';
import { startTestServer } from '../support/server.ts';
import { openDashboard } from './support/dashboard.ts';
import { test } from './support/test.ts';

test.for([
  ['ten minutes fast', 600_000],
  ['ten minutes slow', -600_000],
] as const)(
  '%s: a run that has just started runs for seconds',
  async ([, offsetMs], { databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(2, { kind: 'hang' });
    await page.addInitScript((offset) => {
      const rightNow = Date.now.bind(Date);
      class WrongDate extends Date {
        constructor(...args: [] | [string | number]) {
          super(...((args.length === 0 ? [rightNow() + offset] : args) as [number]));
        }
        static override now(): number {
          return rightNow() + offset;
        }
      }
      globalThis.Date = WrongDate as DateConstructor;
    }, offsetMs);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('running');
    const fact = page.locator('.facts div').filter({ hasText: 'Running for' }).locator('dd');
    await vi.waitFor(async () => expect(await fact.textContent()).toMatch(/^[1-9]\d?s$/), 10_000);
  },
);
