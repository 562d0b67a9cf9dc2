/**
 * A button that is removed after its action passes its focus on, so that the focus does not jump to the top of the
 * page.
 */
import { type RefCallback, type RefObject, useCallback, useRef } from 'react';

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

/**
 * A button that shows more of a list is removed with the last entries. The first of these gets the focus: it is where the
 * button was.
 *
 * @returns the `ref` of the list, whose children are its entries, and that of the button
 */
export function useHandOverToEntries<List extends HTMLElement>(): [
  list: RefObject<List | null>,
  button: RefCallback<HTMLElement>,
] {
  const list = useRef<List>(null);
  const button = useCallback((element: HTMLElement | null) => {
    let known = 0;
    const remember = (): void => {
      known = list.current?.children.length ?? 0;
    };
    element?.addEventListener('click', remember);
    return () => {
      // The entries are inserted by the end of the render that removes the button.
      if (document.activeElement === element) queueMicrotask(() => focusEntry(list.current?.children[known]));
    };
  }, []);
  return [list, button];
}

function focusEntry(entry: Element | undefined): void {
  if (!(entry instanceof HTMLElement)) return;
  const control = entry.querySelector<HTMLElement>('a, summary');
  if (control === null) entry.tabIndex = -1;
  (control ?? entry).focus({ preventScroll: true });
}
