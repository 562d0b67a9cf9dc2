/** A computer whose clock is wrong. */
import type { Page } from 'playwright-core';

/** Before the page is opened. */
export async function setClock(page: Page, offsetMs: number): Promise<void> {
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
}

/** Answers without the time of the server, as through a proxy that removes the header. */
export async function hideTime(page: Page, url: RegExp): Promise<void> {
  await page.route(url, async (route) => {
    const response = await route.fetch();
    const { date: _, ...headers } = response.headers();
    await route.fulfill({ response, headers });
  });
}
