/**
 * A button that is removed after its action passes its focus on, so that the focus does not jump to the top of the
 * page.
 */
import { type RefCallback, type RefObject, useCallback } from 'react';

/** @returns the `ref` of the button */
export function useHandOver(focusTarget: RefObject<HTMLElement | null>): RefCallback<HTMLElement> {
  return useCallback(
    (button) => () => {
      // Refs are detached while the element is still in the document.
      if (document.activeElement === button) focusTarget.current?.focus();
    },
    [focusTarget],
  );
}

/** The `ref` of a button that passes its focus to the heading of its card or page: what is there after the action follows it. */
export const handOverToHeading: RefCallback<HTMLElement> = (button) => () => {
  if (button === null || document.activeElement !== button) return;
  const heading = button
    .closest(':is(section, details, main):has(h1, h2)')
    ?.querySelector<HTMLElement>('h1, h2');
  if (heading == null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
};
