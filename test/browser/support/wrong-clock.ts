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
