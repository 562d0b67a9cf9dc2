/** Runs axe-core on a page: accessibility problems that a program can detect. */
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** WCAG 2.2 at levels A and AA, and axe's best practices. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Checks the current page, in light and in dark. */
export async function isAccessible(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([]);
}

/** Each names its rule, its theme and the first elements. */
async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so it needs no exception from the page's Content-Security-Policy.
  await page.evaluate(axe.source);
  const messages: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const found = await page.evaluate(
      (rules): Promise<AxeResults> => Reflect.get(globalThis, 'axe').run(document, { runOnly: rules }),
      RULES,
    );
    for (const { id, help, nodes } of found.violations) {
      const where = nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n${failureSummary}`);
      messages.push(`${colorScheme}: ${id}: ${help}\n${where.join('\n')}`);
    }
  }
  return messages;
}
