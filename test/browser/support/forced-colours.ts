/** What a page shows only by colours that a forced palette takes away. */
import type { Page } from 'playwright-core';

export interface ForcedColourFaults {
  faults: string[];
  /** That were checked. */
  elements: number;
}

/** On a page with forced colours: a filled or pressed button is filled, a field has a border, the current link has a mark. */
export async function forcedColourFaults(page: Page): Promise<ForcedColourFaults> {
  return await page.evaluate(() => {
    const colourOf = (name: string): string => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = name;
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const [highlight, highlightText, disabled] = ['Highlight', 'HighlightText', 'GrayText'].map(colourOf);
    const isFilled = (element: Element): boolean =>
      getComputedStyle(element).backgroundColor === highlight &&
      [element, ...element.querySelectorAll('*')].every(
        (part) => getComputedStyle(part).color === highlightText,
      );
    const hasBorder = (element: Element): boolean => {
      const { borderTopStyle, borderTopWidth, borderTopColor } = getComputedStyle(element);
      return borderTopStyle !== 'none' && borderTopWidth !== '0px' && borderTopColor !== disabled;
    };
    const hasMark = (element: Element): boolean => {
      const { borderBottomStyle, outlineStyle } = getComputedStyle(element);
      return borderBottomStyle !== 'none' || outlineStyle !== 'none';
    };
    const rules: [selector: string, isKept: (element: Element) => boolean][] = [
      [':is(.btn-primary, .btn-danger, [aria-pressed="true"]):not([aria-disabled="true"])', isFilled],
      ['select, input:not([type="checkbox"], [type="radio"], [type="range"]), .pill', hasBorder],
      ['[aria-current]', hasMark],
    ];
    const checked = rules.flatMap(([selector, isKept]) =>
      [...document.querySelectorAll(selector)].map((element) => ({ element, isKept: isKept(element) })),
    );
    const faults = checked
      .filter(({ isKept }) => !isKept)
      .map(({ element }) => `${element.tagName}.${element.className} ${element.textContent}`);
    return { faults, elements: checked.length };
  });
}
