/** What the layout of a page hides from its readers. */
import type { Page } from 'playwright-core';

/**
 * Texts that are cut off without a sign of it, and boxes that scroll sideways. An ellipsis is a sign; code in `pre` may scroll.
 *
 * @returns a name for each
 */
export async function cutTexts(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    /** Smaller ones are for screen readers. */
    const leastWidth = 8;
    const isCut = (element: Element): boolean => {
      const { overflowX, textOverflow } = getComputedStyle(element);
      if (element.clientWidth < leastWidth || element.scrollWidth <= element.clientWidth + 1) return false;
      if (overflowX === 'hidden' || overflowX === 'clip') return textOverflow !== 'ellipsis';
      return overflowX !== 'visible' && element.tagName !== 'PRE';
    };
    return [...document.querySelectorAll('body *')]
      .filter(isCut)
      .map(({ tagName, className, textContent }) => `${tagName}.${className} ${textContent?.slice(0, 40)}`);
  });
}
