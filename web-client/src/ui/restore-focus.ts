/**
 * A button that is removed after its action passes its focus on, so that the focus does not jump to the top of the
 * page.
 */
import { type RefCallback, type RefObject, useCallback } from 'react';

/** @returns the `ref` of the button */
export function useHandOver(heir: RefObject<HTMLElement | null>): RefCallback<HTMLElement> {
  return useCallback(
    (button) => () => {
      // Refs are detached while the element is still in the document.
      if (document.activeElement === button) heir.current?.focus();
    },
    [heir],
  );
}
