/** A button that goes away with what it did must not throw whoever pressed it to the top of the page: it hands its focus over. */
import { type RefCallback, type RefObject, useCallback } from 'react';

/** @returns the `ref` of the button */
export function useHandOver(heir: RefObject<HTMLElement | null>): RefCallback<HTMLElement> {
  return useCallback(
    (button) => () => {
      // Refs are detached while the element still stands in the document.
      if (document.activeElement === button) heir.current?.focus();
    },
    [heir],
  );
}
