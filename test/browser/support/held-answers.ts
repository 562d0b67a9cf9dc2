/** Answers of the server that arrive late. */
import type { Page } from 'playwright-core';

/** @returns lets them arrive, those that come later too */
export async function holdAnswers(page: Page, url: RegExp): Promise<() => void> {
  let letGo = (): void => {};
  const isFree = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(url, async (route) => {
    await isFree;
    await route.continue();
  });
  return () => letGo();
}
